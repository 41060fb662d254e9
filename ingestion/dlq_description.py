"""What `ingestion.dlq_api` offers, as OpenAPI needs to hear it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from app.core.http.operations import Answer, Content, Operation, Parameter, account_parameter
from app.core.http.paging import AFTER, Paging
from app.core.problems import ProblemType
from ingestion.dead_letters import Reason

PAGING = Paging(usual=50, most=200)
SHOWN_BYTES = 64 * 1024
"""Of a letter's body: a whole event, and the beginning of a batch that cannot be read."""


class Letter(Struct, frozen=True):
    """A dead letter; `body` is the event's JSON as it was sent, with what is not UTF-8 replaced."""

    id: str
    account_id: str
    batch_id: str
    position: int
    event_id: str | None
    type: str | None
    reason: str
    detail: str
    attempts: int
    received_at: datetime
    died_at: datetime
    body: str
    body_bytes: int


class LetterPage(Struct, frozen=True):
    """Some letters, the last to die first; `next` is the `after` of the page behind, null on the last."""

    dead_letters: list[Letter]
    next: str | None


class Enqueued(Struct, frozen=True):
    """How many letters were put back into the queue."""

    enqueued: int


_EXAMPLE: dict[str, Any] = {
    "dead_letters": [
        {
            "id": "07n-1795341600250-0.3",
            "account_id": "acme",
            "batch_id": "07n-1795341600250-0",
            "position": 3,
            "event_id": "0b9c3f6e",
            "type": "flight.departed",
            "reason": "refused-by-store",
            "detail": "unsupported Unicode escape sequence (SQLSTATE 22P05)",
            "attempts": 1,
            "received_at": "2026-11-22T10:00:00.250Z",
            "died_at": "2026-11-22T10:00:01Z",
            "body": '{"event_id":"0b9c3f6e","type":"flight.departed"}',
            "body_bytes": 48,
        }
    ],
    "next": None,
}
_FILTERS = (
    account_parameter("Of this account alone.", where="query", required=False),
    Parameter(
        name="reason",
        where="query",
        about="Dead for this reason alone.",
        schema={"type": "string", "enum": list(Reason)},
    ),
)
_LETTER_ID = Parameter(
    name="letter_id",
    where="path",
    about="`<batch_id>.<position>`; the position is -1 for a batch that cannot be read.",
    required=True,
    example="07n-1795341600250-0.3",
)
_TAG = "Dead letters"

LIST = Operation(
    summary="List dead letters",
    about="Events that were accepted and cannot be stored, with the reason; the last to die first.",
    tag=_TAG,
    parameters=(
        *_FILTERS,
        PAGING.parameter,
        AFTER,
    ),
    answers=(Answer(status=200, about="A page.", content=(Content(shape=LetterPage, example=_EXAMPLE),)),),
    problems=(ProblemType.MALFORMED_REQUEST,),
)
REPLAY = Operation(
    summary="Replay a dead letter",
    about=(
        "Puts it back into the queue. Once it is stored it is gone from the list and its batch counts it as stored; "
        "if it cannot be stored again it stays, with one more attempt. Repeating this is safe."
    ),
    tag=_TAG,
    parameters=(_LETTER_ID,),
    answers=(
        Answer(status=202, about="It is in the queue.", content=(Content(shape=Enqueued, example={"enqueued": 1}),)),
    ),
)
REPLAY_ALL = Operation(
    summary="Replay many dead letters",
    about="Puts all letters that the filters name back into the queue, as replaying each of them does.",
    tag=_TAG,
    parameters=_FILTERS,
    answers=(
        Answer(
            status=202, about="They are in the queue.", content=(Content(shape=Enqueued, example={"enqueued": 12}),)
        ),
    ),
    problems=(ProblemType.MALFORMED_REQUEST,),
)
PURGE = Operation(
    summary="Purge a dead letter",
    about="Removes it for ever. Its batch still counts it as dead.",
    tag=_TAG,
    parameters=(_LETTER_ID,),
    answers=(Answer(status=204, about="It is gone."),),
)
