"""`/ui/start`: from nothing to the first event: a key, a few lines to copy, and a page that turns green."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.core.errors import DependencyError
from app.core.keys import Scope
from app.core.problems import Problem, ProblemType
from app.core.roles import Role
from dashboards.web.forms import query, read_form

if TYPE_CHECKING:
    from flask import Blueprint
    from werkzeug.wrappers import Response

    from app.core.accounts_service import Accounts
    from app.core.audit import Audit
    from app.core.keys_service import Keys
    from dashboards.web.pages import Pages
    from dashboards.web.session_guard import SessionGuard
    from ingestion.usage import Usages

SCOPES = (Scope.EVENTS_WRITE, Scope.SUMMARY_READ)
LANGUAGES = {"curl": "curl", "python": "Python", "node": "Node.js", "go": "Go"}
_YOUR_KEY = "YOUR_KEY"
_MOST_ACCOUNTS = 200
_LONGEST_COUNT = 18


def blueprint(
    pages: Pages,
    guard: SessionGuard,
    audit: Audit,
    *,
    accounts: Accounts,
    keys: Keys,
    usages: Usages,
    base_url: str,
) -> Blueprint:
    """Return the routes of the first steps."""
    routes = pages.blueprint("start")

    def shown(account_id: str | None, *, key: str = "") -> Response:
        every = accounts.page(limit=_MOST_ACCOUNTS)
        chosen = account_id or (every[0].account_id if every else None)
        if chosen is not None:
            accounts.get(chosen)
        return pages.page(
            "start/start.html",
            accounts=every,
            account_id=chosen,
            key=key,
            shown_key=key or _YOUR_KEY,
            base_url=base_url,
            languages=LANGUAGES,
            had=0 if chosen is None else _accepted(usages, chosen),
            came=None,
        )

    @routes.get("/start")
    @guard.role(Role.VIEWER)
    def start() -> Response:
        return shown(query("account"))

    @routes.post("/start")
    @guard.role(Role.MANAGER)
    def issue() -> Response:
        account_id, now = read_form().text("account"), datetime.now(UTC)
        with audit.change(guard.actor(), "keys.create", account_id, now=now, scopes=sorted(SCOPES)):
            issued = keys.create(account_id, SCOPES, now=now)
        return shown(account_id, key=issued.text)

    @routes.get("/start/listen")
    @guard.role(Role.VIEWER)
    def listen() -> Response:
        account_id, had = query("account") or "", query("had") or "0"
        if not (had.isascii() and had.isdigit() and len(had) <= _LONGEST_COUNT):
            raise Problem(ProblemType.MALFORMED_REQUEST, "`had` is a number.")
        accounts.get(account_id)
        came = _accepted(usages, account_id) - int(had)
        return pages.page("start/listen.html", account_id=account_id, had=int(had), came=came if came > 0 else None)

    return routes


def _accepted(usages: Usages, account_id: str) -> int:
    """Return how many events an account has sent this month, as admission counts them with each 202."""
    try:
        usage = usages.of(account_id, datetime.now(UTC))
    except DependencyError:
        return 0
    return 0 if usage is None else usage.quotas.monthly_quota.used or 0
