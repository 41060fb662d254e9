"""Puts the web pages together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.http.addresses import ClientAddresses, networks
from app.core.http.errors import ErrorAnswers
from app.core.login_throttle import LoginThrottle
from app.core.passwords import Passwords
from app.core.queue.stats import read_stats
from app.core.sessions_service import Sessions
from app.core.users_service import Users
from dashboards.web import overview, sign_in
from dashboards.web import slos as web_slos
from dashboards.web.assets import Assets
from dashboards.web.pages import Pages
from dashboards.web.session_guard import SessionGuard

if TYPE_CHECKING:
    from flask import Blueprint

    from app.alerting import AlertParts
    from app.core.database import Database
    from app.core.settings import Settings
    from app.core.valkey import Valkey
    from app.slo_composition import SLOParts


def web_pages(
    settings: Settings, database: Database, valkey: Valkey, *, slos: SLOParts, alerting: AlertParts
) -> list[Blueprint]:
    """Return the blueprints of all pages. A page more is a line here, and one in `dashboards.web.pages.MENU`."""
    https = settings.base_url.startswith("https://")
    assets = Assets()
    pages = Pages(assets, ErrorAnswers(settings.base_url), timezone=settings.timezone)
    sessions = Sessions(database, admin_token=settings.admin_token)
    users = Users(database, Passwords())
    guard = SessionGuard(sessions, ClientAddresses(networks(settings.trusted_proxies or "")), https=https)
    return [
        sign_in.blueprint(pages, guard, sessions, users, LoginThrottle(valkey)),
        overview.blueprint(
            pages,
            guard,
            slos.slos,
            alerts=alerting.alerts,
            incidents=alerting.incidents,
            queue=lambda: read_stats(valkey),
        ),
        web_slos.blueprint(pages, guard, slos.slos, slos.history, alerting.incidents, timezone=settings.timezone),
        sign_in.ground(pages, guard, assets),
    ]
