"""`/dlq`: dead letters, for operators."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from app.core.http.operations import describe
from app.core.http.paging import read_cursor, write_cursor
from app.core.http.recording import changes
from app.core.http.rendering import json_response
from app.core.problems import Problem, ProblemType
from app.domain.shards import ACCOUNT_ID
from ingestion.dead_letters import LetterId, Reason
from ingestion.dead_letters_store import Place, Selection
from ingestion.dlq_description import (
    LIST,
    PAGING,
    PURGE,
    REPLAY,
    REPLAY_ALL,
    SHOWN_BYTES,
    Enqueued,
    Letter,
    LetterPage,
)

if TYPE_CHECKING:
    from app.core.http.guard import Guard
    from ingestion.dead_letter_queue import DeadLetterQueue
    from ingestion.dead_letters import DeadLetter

_NO_SUCH_LETTER = "There is no such dead letter."


def blueprint(queue: DeadLetterQueue, guard: Guard) -> Blueprint:
    """Return the routes of the dead-letter queue."""
    routes = Blueprint("dlq", __name__)

    @routes.get("/dlq")
    @guard.admin
    @describe(LIST)
    def list_letters() -> Response:
        limit = PAGING.limit(request.args.get("limit"))
        found = queue.page(_selection(), after=place_of(request.args.get("after")), limit=limit + 1)
        letters = found[:limit]
        following = cursor_of(letters[-1]) if len(found) > limit else None
        return json_response(LetterPage([_shown(letter) for letter in letters], following))

    @routes.post("/dlq/<letter_id>/replay")
    @guard.admin
    @changes("dlq.replay", "letter_id")
    @describe(REPLAY)
    def replay_letter(letter_id: str) -> Response:
        if not queue.replay(_letter_id(letter_id)):
            raise Problem(ProblemType.NOT_FOUND, _NO_SUCH_LETTER)
        return json_response(Enqueued(1), 202)

    @routes.post("/dlq/replay")
    @guard.admin
    @changes("dlq.replay_all", "account_id", "reason", otherwise="every account")
    @describe(REPLAY_ALL)
    def replay_letters() -> Response:
        return json_response(Enqueued(queue.replay_all(_selection(), datetime.now(UTC))), 202)

    @routes.delete("/dlq/<letter_id>")
    @guard.admin
    @changes("dlq.purge", "letter_id")
    @describe(PURGE)
    def purge_letter(letter_id: str) -> Response:
        if not queue.purge(_letter_id(letter_id)):
            raise Problem(ProblemType.NOT_FOUND, _NO_SUCH_LETTER)
        return Response(status=204)

    return routes


def _shown(letter: DeadLetter) -> Letter:
    return Letter(
        id=str(letter.id),
        account_id=letter.account_id,
        batch_id=letter.id.batch_id,
        position=letter.id.position,
        event_id=letter.event_id,
        type=letter.type,
        reason=letter.reason,
        detail=letter.detail,
        attempts=letter.attempts,
        received_at=letter.received_at,
        died_at=letter.died_at,
        body=letter.body[:SHOWN_BYTES].decode(errors="replace"),
        body_bytes=len(letter.body),
    )


def _letter_id(text: str) -> LetterId:
    try:
        return LetterId.parse(text)
    except ValueError:
        raise Problem(ProblemType.NOT_FOUND, _NO_SUCH_LETTER) from None


def _selection() -> Selection:
    account_id, reason = request.args.get("account_id"), request.args.get("reason")
    if account_id is not None and not ACCOUNT_ID.fullmatch(account_id):
        raise Problem(ProblemType.MALFORMED_REQUEST, "`account_id` is not the id of an account.")
    if reason is not None and reason not in set(Reason):
        raise Problem(ProblemType.MALFORMED_REQUEST, f"`reason` is one of {', '.join(Reason)}.")
    return Selection(account_id=account_id, reason=reason)


def cursor_of(letter: DeadLetter) -> str:
    """Return what says where a page ended."""
    return write_cursor((letter.died_at, letter.account_id, str(letter.id)))


def place_of(cursor: str | None) -> Place | None:
    """Read what `cursor_of` wrote; raises `Problem`."""
    return read_cursor(cursor, tuple[datetime, str, str], _place)


def _place(fields: tuple[datetime, str, str]) -> Place:
    """Make a place of what `cursor_of` wrote; raises `ValueError`."""
    died_at, account_id, letter_id = fields
    if died_at.tzinfo is None or "\0" in account_id:
        raise ValueError(account_id)
    return Place(died_at, account_id, LetterId.parse(letter_id))
