"""What a report was rendered into, as answers to browsers and programs."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

from flask import request

from app.core.http.application import WholeResponse
from reporting.alerts.paging import read_id
from reporting.reports.archive import Format, Paper, download_name, file_name

if TYPE_CHECKING:
    from reporting.reports.reports_service import Reports

_STYLE = re.compile(rb"<style[^>]*>(.*?)</style>", re.DOTALL)


class _Kind(NamedTuple):
    suffix: str
    content_type: str


_KINDS = {
    Format.HTML: _Kind("html", "text/html; charset=utf-8"),
    Format.PDF: _Kind("pdf", "application/pdf"),
    Format.JSON: _Kind("json", "application/json"),
    Format.CSV: _Kind("zip", "application/zip"),
}
OFFERED = tuple(_KINDS)
"""The formats that people get."""


def answer_file(
    reports: Reports, report_id: str, wanted: Format, paper: Paper = Paper.A4, *, saved: bool = False
) -> WholeResponse:
    """Return a report in a format, or 304 to whoever has it; `saved`: as a download. Raises `Problem`."""
    found = reports.file(read_id(report_id, "report"), file_name(wanted, paper))
    order, kind = reports.get(report_id).order, _KINDS[wanted]
    etag = f'"{found.digest[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if etag in {given.strip() for given in request.headers.get("If-None-Match", "").split(",")}:
        return WholeResponse(b"", 304, headers)
    how = "attachment" if saved else "inline"
    headers |= {
        "Content-Disposition": f'{how}; filename="{download_name(order, kind.suffix)}"',
        "Last-Modified": f"{found.generated_at:%a, %d %b %Y %H:%M:%S} GMT",
    }
    if wanted is Format.HTML:
        headers |= {"Content-Security-Policy": policy_of(found.content), "Referrer-Policy": "no-referrer"}
    return WholeResponse(found.content, 200, headers, content_type=kind.content_type)


def policy_of(html: bytes) -> str:
    """Return the policy of a page that holds all it needs: its own styles by their digests, and nothing that runs or is loaded."""
    digests = {base64.b64encode(hashlib.sha256(style).digest()).decode() for style in _STYLE.findall(html)}
    styles = " ".join(f"'sha256-{digest}'" for digest in sorted(digests)) or "'none'"
    return (
        f"default-src 'none'; style-src {styles}; img-src data:; font-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
    )
