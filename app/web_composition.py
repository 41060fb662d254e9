"""Puts the web pages together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.audit import Audit
from app.core.http.addresses import ClientAddresses, networks
from app.core.http.errors import ErrorAnswers
from app.core.login_throttle import LoginThrottle
from app.core.notify.destinations import Destinations
from app.core.notify.outgoing import Outgoing
from app.core.passwords import Passwords
from app.core.queue.stats import read_stats
from app.core.roles import roles_by_group
from app.core.sessions_service import Sessions
from app.core.users_service import Users
from app.status_composition import shown_of
from dashboards.status.reading import PublicServices
from dashboards.web import accounts as web_accounts
from dashboards.web import alerts as web_alerts
from dashboards.web import definitions as web_definitions
from dashboards.web import erasures as web_erasures
from dashboards.web import incidents as web_incidents
from dashboards.web import keys as web_keys
from dashboards.web import maintenance as web_maintenance
from dashboards.web import overview, sign_in, single_sign_on
from dashboards.web import people as web_people
from dashboards.web import queue as web_queue
from dashboards.web import report_schedule as web_report_schedule
from dashboards.web import reports as web_reports
from dashboards.web import slo_accounts as web_slo_accounts
from dashboards.web import slos as web_slos
from dashboards.web import start as web_start
from dashboards.web.assets import Assets
from dashboards.web.pages import Pages
from dashboards.web.session_guard import SessionGuard
from reporting.account_requests import RequestsOfAccounts
from reporting.annotations.annotations_service import Annotations
from reporting.publication.publications import Publications

if TYPE_CHECKING:
    from flask import Blueprint

    from app.alerting import AlertParts
    from app.core.accounts_service import Accounts
    from app.core.database import Database
    from app.core.erasure.erasures import Erasures
    from app.core.keys_service import Keys
    from app.core.settings import Settings
    from app.core.tiers_service import Tiers
    from app.core.valkey import Valkey
    from app.limits import Limits
    from app.slo_composition import SLOParts
    from ingestion.dead_letter_queue import DeadLetterQueue
    from reporting.reports.reports_service import Reports
    from reporting.reports.subscriptions_service import Subscriptions


OIDC_DEADLINE_S = 3.0
"""Shorter than a request's deadline, so that there is time to say that nobody answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """What pages show, and do."""

    slos: SLOParts
    alerting: AlertParts
    accounts: Accounts
    erasures: Erasures
    keys: Keys
    tiers: Tiers
    limits: Limits
    letters: DeadLetterQueue
    reports: Reports
    subscriptions: Subscriptions


def web_pages(settings: Settings, database: Database, valkey: Valkey, parts: WebParts) -> list[Blueprint]:
    """Return the blueprints of all pages. A page more is a line here, and one in `dashboards.web.pages.MENU`."""
    https = settings.base_url.startswith("https://")
    assets = Assets()
    pages = Pages(assets, ErrorAnswers(settings.base_url), timezone=settings.timezone)
    audit = Audit(database)
    sessions = Sessions(database, admin_token=settings.admin_token)
    users, throttle = Users(database, Passwords()), LoginThrottle(valkey)
    guard = SessionGuard(sessions, ClientAddresses(networks(settings.trusted_proxies or "")), https=https)
    slos, alerting, limits = parts.slos, parts.alerting, parts.limits
    account_page = web_accounts.AccountPage(
        pages,
        accounts=parts.accounts,
        keys=parts.keys,
        tiers=parts.tiers,
        usages=limits.usages,
        requests=RequestsOfAccounts(database),
    )
    report_page = web_reports.ReportPage(
        pages, parts.reports, slos.catalogue.in_force, parts.tiers, timezone=settings.timezone
    )
    return [
        sign_in.blueprint(pages, guard, sessions, users, throttle, sso=settings.oidc_issuer is not None),
        *_single_sign_on(settings, pages, guard, users, throttle),
        overview.blueprint(
            pages,
            guard,
            slos.slos,
            alerts=alerting.alerts,
            incidents=alerting.incidents,
            queue=lambda: read_stats(valkey),
        ),
        web_slos.blueprint(
            pages,
            guard,
            slos.slos,
            slos.history,
            incidents=alerting.incidents,
            annotations=Annotations(database),
            timezone=settings.timezone,
        ),
        web_slo_accounts.blueprint(pages, guard, slos.catalogue, slos.accounts),
        web_definitions.blueprint(
            pages, guard, audit, web_definitions.DefinitionsPage(pages, slos.slos, slos.catalogue), slos.slos
        ),
        web_alerts.blueprint(
            pages, guard, audit, alerts=alerting.alerts, silences=alerting.silences, definitions=slos.catalogue.in_force
        ),
        web_incidents.blueprint(
            pages,
            guard,
            audit,
            incidents=alerting.incidents,
            alerts=alerting.alerts,
            publications=Publications(database),
            public_services=PublicServices(database, slos.catalogue, shown_of(settings)).names,
            timezone=settings.timezone,
        ),
        web_maintenance.blueprint(pages, guard, audit, slos.maintenance, timezone=settings.timezone),
        web_reports.blueprint(pages, guard, audit, report_page, parts.reports, timezone=settings.timezone),
        web_report_schedule.blueprint(
            pages,
            guard,
            audit,
            report_page,
            reports=parts.reports,
            subscriptions=parts.subscriptions,
            timezone=settings.timezone,
            can_mail=settings.smtp_url is not None,
        ),
        web_accounts.blueprint(
            pages,
            guard,
            audit,
            account_page,
            accounts=parts.accounts,
            tiers=parts.tiers,
            usages=limits.usages,
            circuits=limits.circuits,
        ),
        web_erasures.blueprint(pages, guard, audit, parts.erasures),
        web_keys.blueprint(pages, guard, audit, account_page, parts.keys),
        web_queue.blueprint(pages, guard, audit, letters=parts.letters, stats=lambda: read_stats(valkey)),
        web_start.blueprint(
            pages,
            guard,
            audit,
            accounts=parts.accounts,
            keys=parts.keys,
            usages=limits.usages,
            base_url=settings.base_url.rstrip("/"),
        ),
        web_people.blueprint(pages, guard, audit, users),
        sign_in.ground(pages, guard, assets),
    ]


def _single_sign_on(
    settings: Settings, pages: Pages, guard: SessionGuard, users: Users, throttle: LoginThrottle
) -> list[Blueprint]:
    """Return the routes of signing in elsewhere, where there is an elsewhere; Authlib is loaded then alone."""
    if settings.oidc_issuer is None:
        return []
    from app.core.openid import MOST_BYTES, OpenId  # noqa: PLC0415 - See above.

    allowed = tuple(networks(settings.outgoing_networks or ""))
    openid = OpenId(
        Outgoing(Destinations(allowed), deadline_s=OIDC_DEADLINE_S, most_bytes=MOST_BYTES),
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id or "",
        client_secret=settings.oidc_client_secret or "",
        callback=settings.base_url.rstrip("/") + single_sign_on.CALLBACK,
    )
    roles = roles_by_group(settings.oidc_roles)
    return [
        single_sign_on.blueprint(
            pages, guard, users, openid, throttle, role_claim=settings.oidc_role_claim, roles=roles
        )
    ]
