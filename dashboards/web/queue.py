"""`/ui/queue`: what waits, where and for how long; and dead letters, with what they hold and how they come back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.core.problems import Problem, ProblemType
from app.core.queue.lanes import LANES
from app.core.roles import Role
from app.domain.shards import ACCOUNT_ID
from dashboards.web.forms import number, query, read_form
from dashboards.web.fresh import Fresh
from ingestion.dead_letters import LetterId, Reason
from ingestion.dead_letters_store import Selection
from ingestion.dlq_api import cursor_of, place_of
from ingestion.dlq_description import SHOWN_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask import Blueprint
    from werkzeug.wrappers import Response

    from app.core.audit import Audit
    from app.core.queue.stats import LaneStats, QueueStats
    from dashboards.web.pages import Pages
    from dashboards.web.session_guard import SessionGuard
    from ingestion.dead_letter_queue import DeadLetterQueue

_ON_A_PAGE = 25
_FRESH_S = 2.0
_NO_SUCH_LETTER = "There is no such dead letter."


@dataclass(frozen=True, slots=True)
class Load:
    """Entries, events and bytes of a lane or of a shard, those a worker has in hand, and the age of the oldest."""

    name: str
    entries: int
    events: int
    bytes: int
    in_flight: int
    oldest_s: float
    worker: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue as it was a moment ago: as a whole, by lane, and by shard."""

    whole: Load
    lanes: Sequence[Load]
    shards: Sequence[Load]
    workers: int
    stats: QueueStats


def blueprint(
    pages: Pages, guard: SessionGuard, audit: Audit, *, letters: DeadLetterQueue, stats: Callable[[], QueueStats]
) -> Blueprint:
    """Return the routes of the queue."""
    routes = pages.blueprint("queue")
    fresh = Fresh(lambda _: _queue(stats()), seconds=_FRESH_S)

    @routes.get("/queue")
    @guard.role(Role.VIEWER)
    def everything() -> Response:
        account_id, reason = query("account_id"), query("reason")
        found = letters.page(_selection(account_id, reason), after=place_of(query("after")), limit=_ON_A_PAGE + 1)
        shown = found[:_ON_A_PAGE]
        return pages.page(
            "queue/queue.html",
            queue=fresh.get(datetime.now(UTC)),
            letters=[(letter, letter.body[:SHOWN_BYTES].decode(errors="replace")) for letter in shown],
            following=cursor_of(shown[-1]) if len(found) > _ON_A_PAGE else None,
            reasons=tuple(Reason),
            account_id=account_id or "",
            reason=reason or "",
            replayed=number("replayed"),
        )

    @routes.get("/queue/live")
    @guard.role(Role.VIEWER)
    def live() -> Response:
        return pages.page("queue/live.html", queue=fresh.get(datetime.now(UTC)))

    @routes.post("/queue/letters/<letter_id>/replay")
    @guard.role(Role.ONCALL)
    def replay(letter_id: str) -> Response:
        with audit.change(guard.actor(), "dlq.replay", letter_id, now=datetime.now(UTC)):
            if not letters.replay(_letter(letter_id)):
                raise Problem(ProblemType.NOT_FOUND, _NO_SUCH_LETTER)
        return pages.go("/ui/queue?replayed=1#letters")

    @routes.post("/queue/letters/replay")
    @guard.role(Role.ONCALL)
    def replay_all() -> Response:
        form, now = read_form(), datetime.now(UTC)
        account_id, reason = form.optional("account_id"), form.optional("reason")
        selection = _selection(account_id, reason)
        with audit.change(guard.actor(), "dlq.replay_all", account_id or "every account", now=now, reason=reason):
            count = letters.replay_all(selection, now)
        return pages.go(f"/ui/queue?replayed={count}#letters")

    @routes.post("/queue/letters/<letter_id>/purge")
    @guard.role(Role.ADMIN)
    def purge(letter_id: str) -> Response:
        with audit.change(guard.actor(), "dlq.purge", letter_id, now=datetime.now(UTC)):
            if not letters.purge(_letter(letter_id)):
                raise Problem(ProblemType.NOT_FOUND, _NO_SUCH_LETTER)
        return pages.go("/ui/queue#letters")

    return routes


def _selection(account_id: str | None, reason: str | None) -> Selection:
    if account_id is not None and not ACCOUNT_ID.fullmatch(account_id):
        raise Problem(ProblemType.MALFORMED_REQUEST, "This is not the id of an account.")
    if reason is not None and reason not in set(Reason):
        raise Problem(ProblemType.MALFORMED_REQUEST, f"`reason` is one of {', '.join(Reason)}.")
    return Selection(account_id=account_id, reason=reason)


def _letter(text: str) -> LetterId:
    try:
        return LetterId.parse(text)
    except ValueError:
        raise Problem(ProblemType.NOT_FOUND, _NO_SUCH_LETTER) from None


def _queue(stats: QueueStats) -> Queue:
    holders = {shard: worker for worker, shards in stats.leases.items() for shard in shards}
    shards = sorted({lane.shard for lane in stats.lanes})
    return Queue(
        whole=_load("All", stats.lanes),
        lanes=[_load(str(lane), [each for each in stats.lanes if each.lane == lane]) for lane in LANES],
        shards=[
            _load(f"{shard:02d}", [each for each in stats.lanes if each.shard == shard], holders.get(shard, ""))
            for shard in shards
        ],
        workers=len(stats.leases),
        stats=stats,
    )


def _load(name: str, lanes: Sequence[LaneStats], worker: str = "") -> Load:
    return Load(
        name=name,
        entries=sum(lane.entries for lane in lanes),
        events=sum(lane.events for lane in lanes),
        bytes=sum(lane.bytes for lane in lanes),
        in_flight=sum(lane.in_flight for lane in lanes),
        oldest_s=max((lane.oldest_age_ms for lane in lanes), default=0) / 1_000,
        worker=worker,
    )
