"""`/accounts`: create, list and change accounts, for operators."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, request
from msgspec import Struct

from app.core.accounts_service import AccountChange, NewAccount
from app.core.http.json_body import read_json
from app.core.http.operations import Answer, Content, Operation, Parameter, account_parameter, describe
from app.core.http.paging import Paging
from app.core.http.recording import changes
from app.core.http.rendering import json_response
from app.core.problems import ProblemType
from app.core.tiers import Overrides
from app.domain.shards import ACCOUNT_ID

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from app.core.accounts import Account
    from app.core.accounts_service import Accounts
    from app.core.http.guard import Guard

TAG = "Administration"
_PAGING = Paging(usual=100, most=1_000)


class AccountView(Struct, frozen=True):
    """An account. `shard` is where its queue is, whether its row names it or its hash decides."""

    account_id: str
    name: str
    tier: str
    overrides: Overrides
    shard: int
    ordered: bool
    created_at: datetime
    updated_at: datetime


class AccountPage(Struct, frozen=True):
    """Some accounts in the order of their ids; `next` is the `after` of the page behind, null on the last."""

    accounts: list[AccountView]
    next: str | None


_EXAMPLE = {
    "account_id": "acme",
    "name": "Acme, Inc.",
    "tier": "standard",
    "overrides": {"events_burst": 20_000},
    "shard": 7,
    "ordered": False,
    "created_at": "2026-11-22T10:00:00Z",
    "updated_at": "2026-11-22T10:00:00Z",
}
_ACCOUNT = Content(shape=AccountView, example=_EXAMPLE)
_ACCOUNT_ID = account_parameter("The id of an account.")
BODY_PROBLEMS = (ProblemType.MALFORMED_JSON, ProblemType.UNSUPPORTED_MEDIA_TYPE, ProblemType.INVALID_REQUEST)

LIST = Operation(
    summary="List accounts",
    tag=TAG,
    parameters=(
        Parameter(
            name="after",
            where="query",
            about="List the accounts behind this one; the `next` of the page before.",
            schema={"type": "string", "pattern": f"^{ACCOUNT_ID.pattern}$"},
        ),
        _PAGING.parameter,
    ),
    answers=(
        Answer(
            status=200,
            about="Accounts in the order of their ids.",
            content=(Content(shape=AccountPage, example={"accounts": [_EXAMPLE], "next": None}),),
        ),
    ),
)
CREATE = Operation(
    summary="Create an account",
    about="The id stands in addresses, keys and file names, and cannot be changed. Limits left out are the tier's.",
    tag=TAG,
    body=(Content(shape=NewAccount, example={"account_id": "acme", "name": "Acme, Inc.", "tier": "standard"}),),
    answers=(
        Answer(
            status=201,
            about="Created.",
            content=(_ACCOUNT,),
            headers={"Location": "Where the account is found."},
        ),
    ),
    problems=(*BODY_PROBLEMS, ProblemType.CONFLICT),
)
GET = Operation(
    summary="Show an account",
    tag=TAG,
    parameters=(_ACCOUNT_ID,),
    answers=(Answer(status=200, about="The account.", content=(_ACCOUNT,)),),
)
CHANGE = Operation(
    summary="Change an account",
    about="What is left out stays; `overrides` replaces all that were. Limits hold at the next request. With another "
    "`shard`, what is queued on the old one is still stored from there; null leaves it to the account's hash.",
    tag=TAG,
    parameters=(_ACCOUNT_ID,),
    body=(Content(shape=AccountChange, example={"tier": "enterprise", "overrides": {"daily_quota": None}}),),
    answers=(Answer(status=200, about="The account as it is now.", content=(_ACCOUNT,)),),
    problems=BODY_PROBLEMS,
)


def blueprint(accounts: Accounts, guard: Guard) -> Blueprint:
    """Return the routes of accounts."""
    routes = Blueprint("accounts", __name__)

    @routes.get("/accounts")
    @guard.admin
    @describe(LIST)
    def list_accounts() -> Response:
        limit = _PAGING.limit(request.args.get("limit"))
        found = accounts.page(after=request.args.get("after", ""), limit=limit + 1)
        shown = found[:limit]
        following = shown[-1].account_id if len(found) > limit else None
        return json_response(AccountPage([_view(account) for account in shown], following))

    @routes.post("/accounts")
    @guard.admin
    @changes("accounts.create", "account_id", "tier")
    @describe(CREATE)
    def create_account() -> Response:
        account = accounts.create(read_json(request, NewAccount), datetime.now(UTC))
        return json_response(_view(account), 201, {"Location": f"/accounts/{account.account_id}"})

    @routes.get("/accounts/<account_id>")
    @guard.admin
    @describe(GET)
    def get_account(account_id: str) -> Response:
        return json_response(_view(accounts.get(account_id)))

    @routes.patch("/accounts/<account_id>")
    @guard.admin
    @changes("accounts.change", "account_id", "name", "tier", "overrides", "shard", "ordered")
    @describe(CHANGE)
    def change_account(account_id: str) -> Response:
        change = read_json(request, AccountChange)
        return json_response(_view(accounts.change(account_id, change, datetime.now(UTC))))

    return routes


def _view(account: Account) -> AccountView:
    return AccountView(
        account_id=account.account_id,
        name=account.name,
        tier=account.tier,
        overrides=account.overrides,
        shard=account.shard,
        ordered=account.ordered,
        created_at=account.created_at,
        updated_at=account.updated_at,
    )
