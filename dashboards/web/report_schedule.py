"""`/ui/reports/schedule`: who gets which reports regularly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.core.clock import CLOCK
from app.core.roles import Role
from dashboards.web.forms import invalid, read_form, shaped
from dashboards.web.report_words import about, addresses_of, title_of
from dashboards.web.session_guard import CSRF_FIELD
from reporting.alerts.paging import read_id
from reporting.report_subscriptions_api import NewSubscription, rhythm_of
from reporting.reports.archive import last_period
from reporting.reports.subscriptions_service import AudienceMovedError, SubscriptionMovedError

if TYPE_CHECKING:
    from flask import Blueprint
    from werkzeug.wrappers import Response

    from app.core.audit import Audit
    from dashboards.web.forms import Form
    from dashboards.web.pages import Pages
    from dashboards.web.reports import ReportPage
    from dashboards.web.session_guard import SessionGuard
    from reporting.reports.reports_service import Reports
    from reporting.reports.subscriptions_service import Subscriptions

_LONGEST_HOUR = 2


def blueprint(
    pages: Pages,
    guard: SessionGuard,
    audit: Audit,
    page: ReportPage,
    *,
    reports: Reports,
    subscriptions: Subscriptions,
    timezone: str,
    can_mail: bool,
) -> Blueprint:
    """Return the routes of subscriptions of reports. `can_mail` says whether there is a mail server."""
    routes = pages.blueprint("report_schedule")

    @routes.get("/reports/schedule")
    @guard.role(Role.VIEWER)
    def schedule() -> Response:
        return pages.page(
            "reports/schedule.html",
            subscriptions=[
                (each, about(order), title_of(order))
                for each in subscriptions.all()
                for order in (each.rhythm.order(each.next_period),)
            ],
            can_mail=can_mail,
            **page.scopes(),
        )

    @routes.post("/reports/schedule")
    @guard.role(Role.MANAGER)
    @pages.refused_on(schedule)
    def add() -> Response:
        actor, wanted, now = guard.actor(), _wanted(read_form()), CLOCK.now()
        rhythm = rhythm_of(wanted, timezone)
        with audit.change(actor, "subscriptions.add", str(wanted.kind), now=datetime.now(UTC), **_recorded(wanted)):
            subscriptions.add(rhythm, now, audience=wanted.audience, paper=wanted.paper, by=actor.name)
        return pages.go("/ui/reports/schedule")

    @routes.get("/reports/schedule/<subscription_id>")
    @guard.role(Role.MANAGER)
    def one(subscription_id: str) -> Response:
        held = subscriptions.get(read_id(subscription_id, "subscription"))
        subject = about(held.rhythm.order(held.next_period))
        # A form that comes back says still what was seen: by the next try it would put back who has left since.
        form = read_form()
        return pages.page(
            "reports/subscription.html",
            held=held,
            seen=form.text("audience_digest") or held.audience_digest,
            digest=form.text("digest") or held.digest,
            about=subject,
            can_mail=can_mail,
            **page.scopes(),
        )

    @routes.post("/reports/schedule/<subscription_id>")
    @guard.role(Role.MANAGER)
    @pages.refused_on(one)
    def change(subscription_id: str) -> Response:
        form, now = read_form(), datetime.now(UTC)
        wanted = _wanted(form)
        try:
            with audit.change(guard.actor(), "subscriptions.change", subscription_id, now=now, **_recorded(wanted)):
                subscriptions.change(
                    read_id(subscription_id, "subscription"),
                    rhythm_of(wanted, timezone),
                    CLOCK.now(),
                    audience=wanted.audience,
                    seen=form.text("audience_digest"),
                    paper=wanted.paper,
                    digest=form.optional("digest"),
                )
        except AudienceMovedError:
            form.forget("audience", "audience_digest")
            raise
        except SubscriptionMovedError:
            form.forget(*form.fields.keys() - {CSRF_FIELD})
            raise
        return pages.go("/ui/reports/schedule")

    @routes.post("/reports/schedule/<subscription_id>/send")
    @guard.role(Role.MANAGER)
    @pages.refused_on(one)
    def send(subscription_id: str) -> Response:
        actor, now = guard.actor(), CLOCK.now()
        held = subscriptions.get(read_id(subscription_id, "subscription"))
        order = held.rhythm.order(last_period(held.rhythm.kind, held.rhythm.timezone, now).name)
        to = list(held.audience)
        with audit.change(actor, "reports.send", order.report_id, now=datetime.now(UTC), to=to):
            reports.order(order, now, by=actor.name, paper=held.paper, to=held.audience)
        return pages.go(f"/ui/reports/{order.report_id}?sent={len(to)}")

    @routes.post("/reports/schedule/<subscription_id>/remove")
    @guard.role(Role.MANAGER)
    def remove(subscription_id: str) -> Response:
        with audit.change(guard.actor(), "subscriptions.remove", subscription_id, now=datetime.now(UTC)):
            subscriptions.remove(read_id(subscription_id, "subscription"), CLOCK.now())
        return pages.go("/ui/reports/schedule")

    return routes


def _wanted(form: Form) -> NewSubscription:
    hour = form.text("hour")
    if not (hour.isascii() and hour.isdigit() and len(hour) <= _LONGEST_HOUR):
        raise invalid("hour", "It is an hour of the day, from 0 to 23.")
    return shaped(
        NewSubscription,
        {
            "kind": form.text("kind"),
            "audience": addresses_of(form.text("audience")),
            "timezone": form.optional("timezone"),
            "hour": int(hour),
            "service": form.optional("service"),
            "account_id": form.optional("account_id"),
            "tier": form.optional("tier"),
            "paper": form.text("paper"),
        },
    )


def _recorded(wanted: NewSubscription) -> dict[str, Any]:
    """Return what the record says of a subscription, as it does of one that is made by a key."""
    detail = {name: getattr(wanted, name) for name in ("audience", "service", "account_id", "tier")}
    return {name: value for name, value in detail.items() if value is not None}
