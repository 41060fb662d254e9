"""The feature's tasks of the task queue: replays, and what is done every now and then.

Messages name their task, so whoever enqueues registers the tasks as the worker does.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from huey import crontab

from ingestion.dead_letters import LetterId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.queue.stream_huey import StreamHuey
    from ingestion.dead_letter_queue import Enqueue
    from ingestion.housekeeping import Housekeeping
    from ingestion.replay import Replayer
    from ingestion.retention import Retention

log = structlog.get_logger(__name__)


def register_tasks(
    huey: StreamHuey, *, replayer: Replayer, housekeeping: Housekeeping, retention: Retention
) -> Enqueue:
    """Register the tasks, and return what puts a replay into the queue."""

    def replay_dead_letters(account_id: str, letters: list[str]) -> None:
        revived = replayer.replay(account_id, [LetterId.parse(letter) for letter in letters])
        log.info("dead_letters_replayed", account_id=account_id, letters=len(letters), revived=revived)

    def purge_answers() -> None:
        log.info("answers_purged", answers=housekeeping.purge_answers(datetime.now(UTC)))

    def shorten_accepted_minutes() -> None:
        log.info("accepted_minutes_shortened", minutes=housekeeping.shorten_accepted_minutes(datetime.now(UTC)))

    def delete_old_events() -> None:
        deleted = retention.enforce(datetime.now(UTC))
        log.info("old_events_deleted", events=deleted.events, letters=deleted.letters, batches=deleted.batches)

    replay = huey.task(name="replay_dead_letters")(replay_dead_letters)
    huey.periodic_task(crontab(minute="*/10"), name="purge_answers")(purge_answers)
    huey.periodic_task(crontab(minute="17", hour="3"), name="shorten_accepted_minutes")(shorten_accepted_minutes)
    huey.periodic_task(crontab(minute="41", hour="2"), name="delete_old_events")(delete_old_events)

    def enqueue(account_id: str, letters: Sequence[LetterId]) -> None:
        replay(account_id, [str(letter_id) for letter_id in letters])

    return enqueue
