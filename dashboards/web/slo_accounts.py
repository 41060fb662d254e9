"""`/ui/slos/{name}/accounts`: whose the bad requests of a promise are, as a part of its page that comes when it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.clock import CLOCK
from app.core.problems import Problem, ProblemType
from app.core.roles import Role
from dashboards.web.fresh import FreshEach
from dashboards.web.slos import RANGES, chosen_range
from reporting.slo.windows import minute_of

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Blueprint
    from werkzeug.wrappers import Response

    from dashboards.web.pages import Pages
    from dashboards.web.session_guard import SessionGuard
    from reporting.catalogue.catalogue import Catalogue
    from reporting.slo_accounts import AccountShares, SLOAccounts

_FRESH_S = 30.0


def blueprint(pages: Pages, guard: SessionGuard, catalogue: Catalogue, accounts: SLOAccounts) -> Blueprint:
    """Return the route of that part."""
    routes = pages.blueprint("slo_accounts")

    def read(key: tuple[str, str], now: datetime) -> AccountShares | None:
        registered, end = catalogue.find(key[0]), minute_of(now) + 1
        if registered is None or registered.current is None:
            return None
        return accounts.read(registered.current, (end - RANGES[key[1]].length, end))

    shares = FreshEach(read, seconds=_FRESH_S)

    @routes.get("/slos/<name>/accounts")
    @guard.role(Role.VIEWER)
    def contributors(name: str) -> Response:
        found = shares.get((name, chosen_range()), CLOCK.now())
        if found is None:
            raise Problem(ProblemType.NOT_FOUND, "There is no such SLO, or it does not count requests.")
        return pages.page("slos/accounts.html", shares=found)

    return routes
