"""`/reports/{report_id}.html`, `.pdf`, `.json` and `.csv`: what a report was rendered into, for operators."""

from __future__ import annotations

import hashlib
import io
import zipfile
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from flask import Blueprint, request

from app.core.http.application import WholeResponse
from app.core.http.operations import describe
from app.core.problems import Problem, ProblemType
from reporting import reports_description as about
from reporting.alerts.paging import read_choice, read_text
from reporting.report_files import answer_file
from reporting.reports.archive import Format, Paper

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from app.core.http.guard import Guard
    from reporting.reports.reports_service import Reports


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
        paper = Paper(read_choice("paper", request.args.get("paper"), Paper) or Paper.A4)
        return answer_file(reports, report_id, Format.PDF, paper)

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
