"""`/erasures`: accounts that were erased, and how far that is. It begins with `DELETE /accounts/{account_id}`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, g, request
from msgspec import Struct

from app.api.accounts import TAG
from app.core.erasure.erasure import ERASURE_ID, State
from app.core.http.operations import Answer, Content, Operation, Parameter, account_parameter, describe
from app.core.http.paging import AFTER, Paging, read_cursor, write_cursor
from app.core.http.recording import changes
from app.core.http.rendering import json_response
from app.core.problems import ProblemType

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from app.core.erasure.erasure import Erasure
    from app.core.erasure.erasures import Erasures
    from app.core.http.guard import Guard

_PAGING = Paging(usual=100, most=1_000)


class ErasureView(Struct, frozen=True):
    """An erasure. `counts` has the rows that were deleted, changed or added up so far, by table."""

    erasure_id: str
    state: State
    requested_by: str
    requested_at: datetime
    done_at: datetime | None
    counts: dict[str, int]


class ErasurePage(Struct, frozen=True):
    """Some erasures, the last to be requested first; `next` is the `after` of the page behind, null on the last."""

    erasures: list[ErasureView]
    next: str | None


_EXAMPLE = {
    "erasure_id": "6f1d0c9b2a7e4f35",
    "state": "done",
    "requested_by": "operator",
    "requested_at": "2026-11-22T10:00:00Z",
    "done_at": "2026-11-22T10:07:00Z",
    "counts": {"accounts": 1, "api_keys": 2, "events": 120_000, "batch_outcomes": 1_200},
}
_ERASURE = Content(shape=ErasureView, example=_EXAMPLE)

DELETE = Operation(
    summary="Erase an account",
    about="Closes the account for good: its keys hold nowhere any more when this answers. Then everything that names it is "
    "deleted in the background, or stands without the name: events, also those that were accepted and not stored yet, dead "
    "letters, counts, its SLOs, reports and subscriptions, its name in texts and files, and its id in the record of changes. Numbers of the "
    "platform stay as they are. The id is never given again. There is no way back. Repeat it after a 503 or 504.",
    tag=TAG,
    parameters=(account_parameter("The id of an account.", example="bygone"),),
    answers=(
        Answer(
            status=202,
            about="Closed; `Location` says how far the rest is. The same for an account that was erased before, which is looked for once more.",
            content=(_ERASURE,),
            headers={"Location": "Where the erasure is found."},
        ),
    ),
)
LIST = Operation(
    summary="List erasures",
    about="The proof of what was erased, when, and who asked for it; of the account there is no name.",
    tag=TAG,
    parameters=(AFTER, _PAGING.parameter),
    answers=(
        Answer(
            status=200,
            about="Erasures, the last to be requested first.",
            content=(Content(shape=ErasurePage, example={"erasures": [_EXAMPLE], "next": None}),),
        ),
    ),
    problems=(ProblemType.MALFORMED_REQUEST,),
)
GET = Operation(
    summary="Show an erasure",
    about="`closed`: nobody is let in, and rows are being deleted. `settling`: all are, and what was being written "
    "meanwhile is looked for some minutes later. `done`: nothing was found any more.",
    tag=TAG,
    parameters=(
        Parameter(
            name="erasure_id",
            where="path",
            about="As `DELETE /accounts/{account_id}` has answered.",
            required=True,
            example="6f1d0c9b2a7e4f35",
        ),
    ),
    answers=(Answer(status=200, about="The erasure.", content=(_ERASURE,)),),
    problems=(ProblemType.NOT_FOUND,),
)


def blueprint(erasures: Erasures, guard: Guard) -> Blueprint:
    """Return the routes of erasures."""
    routes = Blueprint("erasures", __name__)

    @routes.delete("/accounts/<account_id>")
    @guard.admin
    @changes("accounts.delete", "account_id")
    @describe(DELETE)
    def delete_account(account_id: str) -> Response:
        erasure = erasures.begin(account_id, by=g.principal.name, now=datetime.now(UTC))
        return json_response(view_of(erasure), 202, {"Location": f"/erasures/{erasure.erasure_id}"})

    @routes.get("/erasures")
    @guard.admin
    @describe(LIST)
    def list_erasures() -> Response:
        limit = _PAGING.limit(request.args.get("limit"))
        behind = read_cursor(request.args.get("after"), tuple[datetime, str], _possible)
        found = erasures.page(behind=behind, limit=limit + 1)
        shown = found[:limit]
        following = write_cursor((shown[-1].requested_at, shown[-1].erasure_id)) if len(found) > limit else None
        return json_response(ErasurePage([view_of(each) for each in shown], following))

    @routes.get("/erasures/<erasure_id>")
    @guard.admin
    @describe(GET)
    def get_erasure(erasure_id: str) -> Response:
        return json_response(view_of(erasures.get(erasure_id)))

    return routes


def _possible(place: tuple[datetime, str]) -> tuple[datetime, str]:
    """Return where a page may have ended; raises `ValueError`."""
    at, name = place
    if at.tzinfo is None or not ERASURE_ID.fullmatch(name):
        raise ValueError(name)
    return place


def view_of(erasure: Erasure) -> ErasureView:
    """Return an erasure as everybody is shown it."""
    return ErasureView(
        erasure_id=erasure.erasure_id,
        state=erasure.state,
        requested_by=erasure.requested_by,
        requested_at=erasure.requested_at,
        done_at=erasure.done_at,
        counts=dict(erasure.counts),
    )
