"""The page behind a link that was mailed or sent: one document, one style, no script, and nothing that others may keep."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from flask import Response, render_template_string

LARGEST_FORM = 2_000
"""Bytes of the form that such a page may send back."""


def link_page(package: str, template: str, *, status: int = 200, **facts: Any) -> Response:
    """Return the page of a template that lies in a package; `facts` are what it shows, escaped."""
    style = _file(__package__, "link_page.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Robots-Tag": "noindex",
    }
    html = render_template_string(_file(package, template), style=style, **facts)
    return Response(html, status, headers, content_type="text/html; charset=utf-8")


@cache
def _file(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text("utf-8")
