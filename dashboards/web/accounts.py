"""`/ui/accounts`: who uses the platform, what they may and have used, and what they were refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.core.accounts_service import AccountChange, NewAccount
from app.core.errors import DependencyError
from app.core.keys import Scope
from app.core.problems import Problem
from app.core.roles import Role
from app.core.tiers import Overrides
from app.domain.shards import ACCOUNT_ID
from dashboards.web.forms import query, read_form

if TYPE_CHECKING:
    from flask import Blueprint
    from werkzeug.wrappers import Response

    from app.core.accounts import Account
    from app.core.accounts_service import Accounts
    from app.core.audit import Audit
    from app.core.keys_service import IssuedKey, Keys
    from app.core.tiers_service import Tiers
    from dashboards.web.pages import Pages
    from dashboards.web.session_guard import SessionGuard
    from ingestion.admission.circuits import Circuits
    from ingestion.usage import Usage, Usages
    from reporting.account_requests import RequestsOfAccounts

_ON_A_PAGE = 50


class AccountPage:
    """The page of one account, which is also what a new key is shown on, this once."""

    def __init__(
        self,
        pages: Pages,
        *,
        accounts: Accounts,
        keys: Keys,
        tiers: Tiers,
        usages: Usages,
        requests: RequestsOfAccounts,
    ) -> None:
        self._pages = pages
        self._accounts = accounts
        self._keys = keys
        self._tiers = tiers
        self._usages = usages
        self._requests = requests

    def __call__(self, account_id: str, *, issued: IssuedKey | None = None) -> Response:
        account, now = self._accounts.get(account_id), datetime.now(UTC)
        return self._pages.page(
            "accounts/account.html",
            account=account,
            usage=usage_of(self._usages, account_id, now),
            requests=self._requests.read(account_id, now),
            keys=[(key, key.state(now)) for key in self._keys.of_account(account_id)],
            tiers=self._tiers.every(),
            scopes=tuple(Scope),
            issued=issued,
        )


def blueprint(
    pages: Pages,
    guard: SessionGuard,
    audit: Audit,
    page: AccountPage,
    *,
    accounts: Accounts,
    tiers: Tiers,
    usages: Usages,
    circuits: Circuits,
) -> Blueprint:
    """Return the routes of accounts."""
    routes = pages.blueprint("accounts")

    @routes.get("/accounts")
    @guard.role(Role.VIEWER)
    def every() -> Response:
        found = _search(accounts, query("q"), query("after"))
        shown_now = found[:_ON_A_PAGE]
        return pages.page(
            "accounts/accounts.html",
            accounts=shown_now,
            own_limits=[each for each in shown_now if each.overrides != Overrides()],
            following=shown_now[-1].account_id if len(found) > _ON_A_PAGE else None,
            wanted=query("q") or "",
            tiers=tiers.every(),
        )

    @routes.post("/accounts")
    @guard.role(Role.MANAGER)
    @pages.refused_on(every)
    def create() -> Response:
        form, actor = read_form(), guard.actor()
        account_id = form.text("account_id")
        new = NewAccount(account_id=account_id, name=form.text("name") or account_id, tier=form.text("tier"))
        with audit.change(actor, "accounts.create", account_id, now=datetime.now(UTC), tier=new.tier):
            accounts.create(new, datetime.now(UTC))
        return pages.go(f"/ui/accounts/{account_id}")

    @routes.get("/accounts/<account_id>")
    @guard.role(Role.VIEWER)
    def one(account_id: str) -> Response:
        return page(account_id)

    @routes.get("/accounts/<account_id>/usage")
    @guard.role(Role.VIEWER)
    def live(account_id: str) -> Response:
        account = accounts.get(account_id)
        return pages.page("accounts/usage.html", account=account, usage=usage_of(usages, account_id, datetime.now(UTC)))

    @routes.post("/accounts/<account_id>/tier")
    @guard.role(Role.MANAGER)
    @pages.refused_on(one)
    def set_tier(account_id: str) -> Response:
        tier, now = read_form().text("tier"), datetime.now(UTC)
        with audit.change(guard.actor(), "accounts.set_tier", account_id, now=now, tier=tier):
            accounts.change(account_id, AccountChange(tier=tier), now)
        return pages.go(f"/ui/accounts/{account_id}")

    @routes.post("/accounts/<account_id>/circuit/reset")
    @guard.role(Role.ONCALL)
    def reset(account_id: str) -> Response:
        actor, now = guard.actor(), datetime.now(UTC)
        accounts.get(account_id)
        with audit.change(actor, "circuits.reset", account_id, now=now):
            circuits.reset(account_id, now, by=actor.name)
        return pages.go(f"/ui/accounts/{account_id}")

    return routes


def _search(accounts: Accounts, wanted: str | None, after: str | None) -> list[Account]:
    """Return the account that is called exactly so, and those behind it in the order of their ids."""
    if wanted is None or after is not None:
        return accounts.page(after=after or "", limit=_ON_A_PAGE + 1)
    if not ACCOUNT_ID.fullmatch(wanted):
        return []
    try:
        exact = [accounts.get(wanted)]
    except Problem:
        exact = []
    return exact + accounts.page(after=wanted, limit=_ON_A_PAGE + 1)


def usage_of(usages: Usages, account_id: str, now: datetime) -> Usage | None:
    """Return what is used; None while Valkey is away, which must not hide the rest."""
    try:
        return usages.of(account_id, now)
    except DependencyError:
        return None
