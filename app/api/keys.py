"""`/keys`: issue, list, rotate and revoke API keys, for operators.

A key is addressed by its id alone: that is what its owner, a log line and the listing know it by, and ids are 62 random bits.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from flask import Blueprint, Response, request
from msgspec import Meta, Struct

from app.api.accounts import BODY_PROBLEMS, TAG
from app.core.http.json_body import read_json
from app.core.http.operations import Answer, Content, Operation, Parameter, account_parameter, describe
from app.core.http.recording import changes
from app.core.http.rendering import json_response
from app.core.keys import DEFAULT_OVERLAP, KEY_ID, LONGEST_OVERLAP, KeyState, Scope
from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from app.core.http.guard import Guard
    from app.core.keys import ApiKey
    from app.core.keys_service import IssuedKey, Keys

_Instant = Annotated[datetime, Meta(tz=True)]
_NO_STORE = {"Cache-Control": "no-store"}


class NewKeyRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A key to issue. Without `expires_at` it holds until it is revoked."""

    account_id: str
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=len(Scope))]
    expires_at: _Instant | None = None


class Rotation(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How to rotate: for how long the old key still holds, and when the new one ends."""

    overlap_seconds: Annotated[int, Meta(ge=0, le=int(LONGEST_OVERLAP.total_seconds()))] = int(
        DEFAULT_OVERLAP.total_seconds()
    )
    expires_at: _Instant | None = None


class KeyView(Struct, frozen=True, kw_only=True):
    """What is known of a key; its secret is known to nobody but its owner."""

    key_id: str
    account_id: str
    scopes: list[Scope]
    state: KeyState
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class IssuedKeyView(KeyView, frozen=True, kw_only=True):
    """A key just issued. `key` is shown this once."""

    key: str


class KeyList(Struct, frozen=True):
    """Every key of an account, also ended ones, newest first."""

    keys: list[KeyView]


_EXAMPLE = {
    "key_id": "q3v9k2m7x0ab",
    "account_id": "acme",
    "scopes": ["events:write", "summary:read"],
    "state": "active",
    "created_at": "2026-11-22T10:00:00Z",
    "expires_at": None,
    "revoked_at": None,
    "last_used_at": None,
}
_ISSUED = Content(shape=IssuedKeyView, example={**_EXAMPLE, "key": "slip.acme.q3v9k2m7x0ab.a-secret-of-43-characters"})
_KEY_ID = Parameter(
    name="key_id",
    where="path",
    about="The id of a key, its third part.",
    schema={"type": "string", "pattern": f"^{KEY_ID.pattern}$"},
    required=True,
    example="q3v9k2m7x0ab",
)

LIST = Operation(
    summary="List the keys of an account",
    tag=TAG,
    parameters=(account_parameter("Whose keys.", where="query"),),
    answers=(
        Answer(
            status=200,
            about="Every key of the account, also ended ones, newest first.",
            content=(Content(shape=KeyList, example={"keys": [_EXAMPLE]}),),
        ),
    ),
    problems=(ProblemType.NOT_FOUND,),
)
CREATE = Operation(
    summary="Issue a key",
    about="The answer shows the key this once: only the hash of its secret is kept. An account has at most 100 usable "
    "keys. When the answer is lost or is a 503, issue another one, and revoke the first.",
    tag=TAG,
    body=(Content(shape=NewKeyRequest, example={"account_id": "acme", "scopes": ["events:write", "summary:read"]}),),
    answers=(Answer(status=201, about="Issued.", content=(_ISSUED,)),),
    problems=(*BODY_PROBLEMS, ProblemType.CONFLICT),
)
ROTATE = Operation(
    summary="Rotate a key",
    about="Issues another key with the same scopes, and ends this one after `overlap_seconds` (default: a day), or when it "
    "would have ended anyway. The body may be left out.",
    tag=TAG,
    parameters=(_KEY_ID,),
    body=(Content(shape=Rotation, example={"overlap_seconds": 3_600}),),
    answers=(Answer(status=201, about="The new key.", content=(_ISSUED,)),),
    problems=(*BODY_PROBLEMS, ProblemType.CONFLICT),
)
REVOKE = Operation(
    summary="Revoke a key",
    about="Holds at the very next request. Repeat it after a 503 or 504: then it may not hold yet.",
    tag=TAG,
    parameters=(_KEY_ID,),
    answers=(Answer(status=204, about="Revoked, now or before."),),
)


def blueprint(keys: Keys, guard: Guard) -> Blueprint:
    """Return the routes of keys."""
    routes = Blueprint("keys", __name__)

    @routes.get("/keys")
    @guard.admin
    @describe(LIST)
    def list_keys() -> Response:
        account_id = request.args.get("account_id")
        if account_id is None:
            raise Problem(ProblemType.MALFORMED_REQUEST, "`account_id` is missing.")
        now = datetime.now(UTC)
        return json_response(KeyList([_view(key, now) for key in keys.of_account(account_id)]))

    @routes.post("/keys")
    @guard.admin
    @changes("keys.create", "account_id", "scopes", "expires_at")
    @describe(CREATE)
    def create_key() -> Response:
        wanted = read_json(request, NewKeyRequest)
        now = datetime.now(UTC)
        issued = keys.create(wanted.account_id, wanted.scopes, now=now, expires_at=wanted.expires_at)
        return json_response(_issued_view(issued, now), 201, _NO_STORE)

    @routes.post("/keys/<key_id>/rotate")
    @guard.admin
    @changes("keys.rotate", "key_id", "overlap_seconds", "expires_at")
    @describe(ROTATE)
    def rotate_key(key_id: str) -> Response:
        wanted = read_json(request, Rotation, empty=b"{}")
        now = datetime.now(UTC)
        overlap = timedelta(seconds=wanted.overlap_seconds)
        issued = keys.rotate(key_id, overlap, now=now, expires_at=wanted.expires_at)
        return json_response(_issued_view(issued, now), 201, _NO_STORE)

    @routes.delete("/keys/<key_id>")
    @guard.admin
    @changes("keys.revoke", "key_id")
    @describe(REVOKE)
    def revoke_key(key_id: str) -> Response:
        keys.revoke(key_id, datetime.now(UTC))
        return Response(status=204)

    return routes


def _view(key: ApiKey, now: datetime) -> KeyView:
    return KeyView(
        key_id=key.key_id,
        account_id=key.account_id,
        scopes=sorted(key.scopes),
        state=key.state(now),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
    )


def _issued_view(issued: IssuedKey, now: datetime) -> IssuedKeyView:
    key = issued.key
    return IssuedKeyView(
        key_id=key.key_id,
        account_id=key.account_id,
        scopes=sorted(key.scopes),
        state=key.state(now),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=None,
        last_used_at=None,
        key=issued.text,
    )
