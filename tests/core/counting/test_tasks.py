"""What workers do for SLOs every minute: backfills, rollups, accepted minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from app.core import keyspace
from app.core.counting import counting_store
from app.core.counting.backfill import Backfill, require
from app.core.counting.rules import Rule, rule_of
from app.domain.filters import Source, parse
from app.task_queue import task_queue
from tests.reporting.evaluation.recount import Request, store

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.queue.stream_huey import StreamHuey
    from app.core.settings import Settings
    from app.core.valkey import Valkey

NOW = datetime.now(UTC)
RULE = Rule(
    parse(Source.EVENTS, {"type": ["a", "b"], "payload.x": [1.5, True, "t"]}),
    parse(Source.EVENTS, {"type": "a", "payload.x": [1.5, True, "t"], "payload.y": ">=-2.50"}),
    part_is_good=False,
)


def run_every_minute(huey: StreamHuey, name: str) -> None:
    """Run a periodic task, and what it puts into the queue."""
    (task,) = (task for task in huey._registry.periodic_tasks if type(task).__name__ == name)
    huey.execute(task)
    while huey.pending_count():
        huey.execute(huey.dequeue())


def test_a_rule_is_the_same_after_it_was_stored() -> None:
    again = rule_of(RULE.filters)

    assert again.rule_id == RULE.rule_id
    assert again.is_good({"type": "a", "payload": {"x": True, "y": -3}})
    assert not again.is_good({"type": "a", "payload": {"x": True, "y": -2.5}})


def test_a_backfill_that_nobody_began_or_that_rests_goes_on_within_a_minute(
    settings: Settings, database: Database, valkey: Valkey
) -> None:
    huey = task_queue(settings, database, valkey).huey
    with database.begin() as connection:
        connection.execute(
            text("""
                INSERT INTO events (account_id, event_id, type, occurred_at, received_at, payload)
                SELECT 'acme', 'e' || n, 'b', now(), now(), '{"x": "t"}' FROM generate_series(1, 30) AS n
            """)
        )
        require(connection, [RULE], NOW)
    backfill = Backfill(database, step=7)
    assert backfill.rests(NOW, timedelta(seconds=30))
    backfill.step(NOW)
    assert not backfill.rests(NOW, timedelta(seconds=30))
    assert backfill.rests(NOW + timedelta(minutes=1), timedelta(seconds=30))
    with database.begin() as connection:
        counting_store.move(connection, [RULE.rule_id], ("", ""), NOW - timedelta(hours=1), done=False)
        connection.execute(text("DELETE FROM rule_counts"))

    run_every_minute(huey, "begin_backfill")

    with database.begin() as connection:
        (rule,) = counting_store.rules(connection)
        counted = connection.execute(text("SELECT sum(good), sum(total) FROM rule_counts WHERE width = 1")).one()
    assert rule.backfilled_at is not None
    assert tuple(counted) == (30, 30)


def test_single_failures_are_deleted_in_the_end(settings: Settings, database: Database, valkey: Valkey) -> None:
    huey = task_queue(settings, database, valkey).huey
    kept = settings.failed_request_retention_days
    with database.begin() as connection:
        connection.execute(
            text("""
                INSERT INTO failed_requests (writer, number, at, request_id, service, route, method, status, reason)
                SELECT 'w', n, now() - :kept + (n - 2500) * interval '1 minute', 'r', 'slipstream', '/', 'GET', 500, ''
                  FROM generate_series(1, 2510) AS n
            """),
            {"kept": timedelta(days=kept)},
        )

    run_every_minute(huey, "purge_failed_requests")

    with database.begin() as connection:
        left = connection.execute(text("SELECT min(number), max(number) FROM failed_requests")).one()
    assert tuple(left) in {(2_500, 2_510), (2_501, 2_510)}


def test_requests_are_added_up_and_accepted_minutes_are_kept(
    settings: Settings, database: Database, valkey: Valkey
) -> None:
    huey = task_queue(settings, database, valkey).huey
    minute = int(NOW.timestamp()) // 60
    store(database, [Request(minute - 90, "/events", 202, 1_000, account="acme")] * 3)
    valkey.execute("HINCRBY", keyspace.accepted_minutes(4), minute - 3, 12)

    for name in ("add_up_requests", "keep_accepted_minutes", "purge_restatements"):
        run_every_minute(huey, name)

    with database.begin() as connection:
        added_up = connection.execute(text("SELECT requests, counts FROM request_rollups WHERE width = 15")).one()
        of_acme = connection.execute(text("SELECT requests FROM account_request_rollups WHERE width = 15")).scalar_one()
        kept = connection.execute(text("SELECT shard, events FROM accepted_minutes")).one()
    assert tuple(added_up) == (3, [3])
    assert of_acme == 3
    assert tuple(kept) == (4, 12)
