"""`/reports/{report_id}.html`, `.pdf`, `.json` and `.csv`: what a report was rendered into, for operators."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from flask import Blueprint, request

from app.core.http.application import WholeResponse
from app.core.http.operations import describe
from app.core.problems import Problem, ProblemType
from reporting import reports_description as about
from reporting.alerts.paging import read_choice, read_id, read_text
from reporting.reports.archive import Format, Paper, download_name, file_name

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from app.core.http.guard import Guard
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


def blueprint(reports: Reports, guard: Guard) -> Blueprint:
    """Return the routes of files of reports."""
    routes = Blueprint("report_files", __name__)

    @routes.get("/reports/<report_id>.html")
    @guard.admin
    @describe(about.HTML)
    def get_html(report_id: str) -> Response:
        return answer_file(reports, report_id, Format.HTML)

    @routes.get("/reports/<report_id>.pdf")
    @guard.admin
    @describe(about.PDF)
    def get_pdf(report_id: str) -> Response:
        paper = read_choice("paper", request.args.get("paper"), Paper)
        return answer_file(reports, report_id, Format.PDF, None if paper is None else Paper(paper))

    @routes.get("/reports/<report_id>.json")
    @guard.admin
    @describe(about.AS_JSON)
    def get_json(report_id: str) -> Response:
        return answer_file(reports, report_id, Format.JSON)

    @routes.get("/reports/<report_id>.csv")
    @guard.admin
    @describe(about.CSV)
    def get_csv(report_id: str) -> Response:
        table = read_text("table", request.args.get("table"))
        whole = answer_file(reports, report_id, Format.CSV)
        return whole if table is None or whole.status_code != HTTPStatus.OK else _only(whole, table)

    return routes


def answer_file(
    reports: Reports, report_id: str, wanted: Format, paper: Paper | None = None, *, saved: bool = False
) -> WholeResponse:
    """Return a report in a format, or 304 to whoever has it; `saved`: as a download. Raises `Problem`.

    Without a `paper` it is the first one that the report was ordered on.
    """
    held, kind = reports.get(read_id(report_id, "report")), _KINDS[wanted]
    found, order = reports.file(report_id, file_name(wanted, paper or held.papers[0])), held.order
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


def _only(whole: WholeResponse, table: str) -> WholeResponse:
    """Return one table of a zip of them, which holds a folder."""
    with zipfile.ZipFile(io.BytesIO(whole.get_data())) as tables:
        places = {PurePosixPath(each).stem: each for each in tables.namelist() if each.endswith(".csv")}
        if table not in places:
            raise Problem(ProblemType.NOT_FOUND, f"There is no such table; there are {', '.join(places)}.")
        content = tables.read(places[table])
    headers = {
        "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        "Cache-Control": whole.headers["Cache-Control"],
        "Content-Disposition": f'inline; filename="{table}.csv"',
        "Last-Modified": whole.headers["Last-Modified"],
    }
    return WholeResponse(content, 200, headers, content_type="text/csv; charset=utf-8")
