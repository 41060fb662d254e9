"""`/reports`: for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, request

from app.core.clock import CLOCK
from app.core.http.json_body import read_json
from app.core.http.operations import describe
from app.core.http.recording import changes
from app.core.http.rendering import json_response
from app.core.problems import FieldError, Problem, ProblemType
from app.domain.calendar import UnknownZoneError
from reporting import reports_description as about
from reporting.alerts.paging import read_choice, read_id, read_limit, read_place, read_text, write_place
from reporting.reports.archive import ReportOrder, last_period
from reporting.reports.model import Kind, Scope
from reporting.reports_description import NewReport, NewSend, ReportPage, ReportView

if TYPE_CHECKING:
    from datetime import datetime

    from werkzeug.wrappers import Response

    from app.core.http.guard import Guard
    from reporting.reports.archive import ArchivedReport
    from reporting.reports.reports_service import Reports


def blueprint(reports: Reports, guard: Guard, *, timezone: str) -> Blueprint:
    """Return the routes of reports; `timezone` is that of orders which name none."""
    routes = Blueprint("reports", __name__)

    @routes.post("/reports")
    @guard.admin
    @changes("reports.order", "period", "kind", "service", "account_id", "tier", "send")
    @describe(about.ORDER)
    def order_report() -> Response:
        wanted, now = read_json(request, NewReport), CLOCK.now()
        order = order_of(wanted, timezone, now)
        ordered = reports.order(
            order, now, by=g.principal.name, paper=wanted.paper, again=wanted.again, send=wanted.send
        )
        return json_response(view_of(ordered), 202, {"Location": f"/reports/{ordered.report_id}"})

    @routes.get("/reports")
    @guard.admin
    @describe(about.LIST)
    def list_reports() -> Response:
        limit = read_limit(request.args.get("limit"))
        kind = read_choice("kind", request.args.get("kind"), Kind)
        page = reports.page(
            kind=None if kind is None else Kind(kind),
            service=read_text("service", request.args.get("service")),
            after=read_place(request.args.get("after")),
            limit=limit + 1,
        )
        found = page[:limit]
        following = write_place((found[-1].ordered_at, found[-1].report_id)) if len(page) > limit else None
        return json_response(ReportPage([view_of(report) for report in found], following))

    @routes.get("/reports/<report_id>")
    @guard.admin
    @describe(about.GET)
    def get_report(report_id: str) -> Response:
        return json_response(view_of(reports.get(_id(report_id))))

    @routes.get("/reports/<report_id>/compare")
    @guard.admin
    @describe(about.COMPARE)
    def compare_reports(report_id: str) -> Response:
        other = request.args.get("with")
        if other is None:
            raise Problem(ProblemType.MALFORMED_REQUEST, "`with` names the report to compare with.")
        return json_response(reports.compare(_id(report_id), _id(other)))

    @routes.post("/reports/<report_id>/send")
    @guard.admin
    @changes("reports.send", "report_id", "to")
    @describe(about.SEND)
    def send_report(report_id: str) -> Response:
        wanted = read_json(request, NewSend)
        sent = reports.send(_id(report_id), wanted.to, by=g.principal.name, paper=wanted.paper)
        return json_response(view_of(sent), 202)

    return routes


def view_of(report: ArchivedReport) -> ReportView:
    """Return a report as it is shown."""
    order = report.order
    return ReportView(
        report_id=report.report_id,
        revision=report.revision,
        kind=order.kind,
        period=order.period,
        timezone=order.timezone,
        service=order.scope.service,
        account_id=order.scope.account_id,
        tier=order.scope.tier,
        papers=report.papers,
        state=report.state,
        step=report.step,
        reason=report.reason,
        requested_by=report.requested_by,
        ordered_at=report.ordered_at,
        generated_at=report.generated_at,
        complete=report.complete,
    )


def order_of(wanted: NewReport, default_timezone: str, now: datetime) -> ReportOrder:
    """Return the report that is wanted, of the last period that is over when none is named. Raises `Problem`."""
    timezone = wanted.timezone or default_timezone
    try:
        period = wanted.period or last_period(wanted.kind, timezone, now).name
    except UnknownZoneError as error:
        errors = (FieldError(str(error), field="timezone"),)
        raise Problem(ProblemType.INVALID_REQUEST, "The order is not valid.", errors) from None
    scope = Scope(service=wanted.service, account_id=wanted.account_id, tier=wanted.tier)
    return ReportOrder(kind=wanted.kind, period=period, timezone=timezone, scope=scope)


def _id(text: str) -> str:
    return read_id(text, "report")
