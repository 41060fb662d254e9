"""`/ui/reports`: the archive of reports, what each says, and how one is made, read and sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.core.clock import CLOCK
from app.core.problems import Problem, ProblemType
from app.core.roles import Role
from dashboards.web.forms import number, query, read_form, shaped
from dashboards.web.report_words import about, addresses_of, period_choices, title_of
from reporting.alerts.paging import read_choice, read_id, read_place, write_place
from reporting.report_files_api import OFFERED, answer_file
from reporting.reports.archive import Format, Paper, State, file_name
from reporting.reports.model import Kind
from reporting.reports.terms import DECISIONS
from reporting.reports_api import order_of
from reporting.reports_description import NewReport, NewSend
from reporting.wording import milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask import Blueprint
    from werkzeug.wrappers import Response

    from app.core.audit import Audit
    from app.core.tiers_service import Tiers
    from dashboards.web.forms import Form
    from dashboards.web.pages import Pages
    from dashboards.web.session_guard import SessionGuard
    from reporting.definitions.definition import Definition
    from reporting.reports.archive import ArchivedReport, Told
    from reporting.reports.model import Report
    from reporting.reports.reports_service import Reports

_ON_A_PAGE = 20
_WAITS_S = 30
"""An order that nobody has begun by then wants a worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A report in the archive. `told` is None until it is ready."""

    report: ArchivedReport
    title: str
    about: str
    told: Told | None


class ReportPage:
    """What the pages of reports show."""

    def __init__(
        self,
        pages: Pages,
        reports: Reports,
        definitions: Callable[[], Sequence[Definition]],
        tiers: Tiers,
        timezone: str,
    ) -> None:
        self._pages = pages
        self._reports = reports
        self._definitions = definitions
        self._tiers = tiers
        self._timezone = timezone

    def archive(self, template: str = "reports/reports.html") -> Response:
        """Return the archive, as the address filters it."""
        kind, service = read_choice("kind", query("kind"), Kind), query("service")
        found = self._reports.page(
            kind=None if kind is None else Kind(kind),
            service=service,
            after=read_place(query("after")),
            limit=_ON_A_PAGE + 1,
        )
        listed = found[:_ON_A_PAGE]
        told = self._reports.told(listed)
        last = listed[-1] if len(found) > _ON_A_PAGE else None
        return self._pages.page(
            template,
            lines=[
                Line(report=each, title=title_of(each.order), about=about(each.order), told=told.get(each.report_id))
                for each in listed
            ],
            following=None if last is None else write_place((last.ordered_at, last.report_id)),
            unfinished=any(each.unfinished for each in listed),
            kind=kind or "",
            service=service or "",
            after=query("after") or "",
            periods=period_choices(self._timezone, CLOCK.now()),
            **self.scopes(),
        )

    def scopes(self) -> dict[str, Any]:
        """Return what a report can be of."""
        return {
            "services": sorted({each.service for each in self._definitions()}),
            "tiers": [tier.name for tier in self._tiers.every()],
            "papers": tuple(Paper),
        }

    def one(self, report_id: str, template: str = "reports/report.html") -> Response:
        """Return the page of a report: how its last revision stands, and what the last that was made says."""
        latest = self._reports.get(read_id(report_id, "report"))
        served = self._reports.served(report_id)
        model: Report | None = None if served is None else self._reports.model(report_id)
        waited = (datetime.now(UTC) - latest.ordered_at).total_seconds()
        return self._pages.page(
            template,
            report=latest,
            title=title_of(latest.order),
            about=about(latest.order),
            served=None if served is None else served[0],
            formats=[] if served is None else [each for each in OFFERED if file_name(each, Paper.A4) in served[1]],
            pdfs=[] if served is None else [each for each in Paper if file_name(Format.PDF, each) in served[1]],
            model=model,
            lonely=latest.state is State.QUEUED and not latest.attempts and waited > _WAITS_S,
            papers=tuple(Paper),
            decisions=DECISIONS,
            duration=milliseconds,
            sent=number("sent"),
        )


def _wanted(form: Form) -> NewReport:
    period = form.text("period")
    values = {
        "kind": Kind.WEEKLY if "W" in period else Kind.MONTHLY,
        "period": period,
        "timezone": form.optional("timezone"),
        "service": form.optional("service"),
        "account_id": form.optional("account_id"),
        "tier": form.optional("tier"),
        "paper": form.text("paper"),
    }
    return shaped(NewReport, values)


def blueprint(
    pages: Pages, guard: SessionGuard, audit: Audit, page: ReportPage, reports: Reports, *, timezone: str
) -> Blueprint:
    """Return the routes of reports."""
    routes = pages.blueprint("reports")

    @routes.get("/reports")
    @guard.role(Role.VIEWER)
    def every() -> Response:
        return page.archive()

    @routes.get("/reports/live")
    @guard.role(Role.VIEWER)
    def live() -> Response:
        return page.archive("reports/archive.html")

    @routes.post("/reports")
    @guard.role(Role.MANAGER)
    @pages.refused_on(every)
    def order() -> Response:
        form, actor, now = read_form(), guard.actor(), CLOCK.now()
        wanted = _wanted(form)
        ordered = order_of(wanted, timezone, now)
        with audit.change(actor, "reports.order", ordered.report_id, now=datetime.now(UTC), period=ordered.period):
            reports.order(ordered, now, by=actor.name, paper=wanted.paper)
        return pages.go(f"/ui/reports/{ordered.report_id}")

    @routes.get("/reports/<report_id>")
    @guard.role(Role.VIEWER)
    def one(report_id: str) -> Response:
        return page.one(report_id)

    @routes.get("/reports/<report_id>/live")
    @guard.role(Role.VIEWER)
    def one_live(report_id: str) -> Response:
        return page.one(report_id, "reports/body.html")

    @routes.get("/reports/<report_id>.<suffix>")
    @guard.role(Role.VIEWER)
    def file(report_id: str, suffix: str) -> Response:
        if suffix not in set(OFFERED):
            raise Problem(ProblemType.NOT_FOUND, "Reports are not made in this format.")
        paper = read_choice("paper", query("paper"), Paper)
        chosen = None if paper is None else Paper(paper)
        return answer_file(reports, report_id, Format(suffix), chosen, saved=suffix != Format.HTML)

    @routes.post("/reports/<report_id>/again")
    @guard.role(Role.MANAGER)
    @pages.refused_on(one)
    def again(report_id: str) -> Response:
        actor, held = guard.actor(), reports.get(read_id(report_id, "report"))
        with audit.change(actor, "reports.order", report_id, now=datetime.now(UTC), again=True):
            reports.order(held.order, CLOCK.now(), by=actor.name, paper=held.papers[0], again=True)
        return pages.go(f"/ui/reports/{report_id}")

    @routes.post("/reports/<report_id>/send")
    @guard.role(Role.MANAGER)
    @pages.refused_on(one)
    def send(report_id: str) -> Response:
        form, actor = read_form(), guard.actor()
        wanted = shaped(NewSend, {"to": addresses_of(form.text("to")), "paper": form.text("paper")})
        with audit.change(actor, "reports.send", report_id, now=datetime.now(UTC), to=wanted.to):
            reports.send(read_id(report_id, "report"), wanted.to, by=actor.name, paper=wanted.paper)
        return pages.go(f"/ui/reports/{report_id}?sent={len(wanted.to)}#send")

    return routes
