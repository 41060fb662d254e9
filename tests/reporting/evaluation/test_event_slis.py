"""SLIs over tenants' own events: every stored event counts once, whatever is delivered twice, and while a rule is backfilled."""

from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from app.core.counting.backfill import Backfill, forget
from app.core.database import Database
from ingestion.replay import Replayer
from ingestion.writer import Writer
from reporting.slo.windows import minute_of
from tests.reporting.evaluation.definitions import slo, together
from tests.reporting.evaluation.stored_events import batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.slo_composition import SLOParts
    from tests.reporting.evaluation.stored_events import Event

NOW = datetime.now(UTC).replace(second=20, microsecond=0)
END = minute_of(NOW) + 1
_numbers = count(1_000)
FLIGHTS = ["flight.departed", "flight.cancelled"]
ON_TIME = slo(
    "on-time",
    source="events",
    service="flights",
    total={"type": FLIGHTS},
    good={"type": "flight.departed", "payload.dep_delay": "<15"},
    target=0.8,
)
OF_ACME = slo(
    "late-of-acme",
    source="events",
    service="flights",
    total={"account_id": "acme", "type": "flight.departed"},
    bad={"account_id": "acme", "type": "flight.departed", "payload.dep_delay": ">=14.5"},
)


def some_events(seed: int, number_of_events: int) -> list[tuple[str, Event]]:
    chance = random.Random(seed)
    made = []
    for number in range(number_of_events):
        kind = chance.choice([*FLIGHTS, "crew.changed"])
        payload: dict[str, Any] = {
            "flight": f"UA{number}",
            "dep_delay": chance.choice([-3, 0, 14.4, 14.5, 15, 90, "x"]),
        }
        if kind == "flight.cancelled":
            del payload["dep_delay"]
        at = NOW - timedelta(minutes=chance.randrange(33 * 1_440), seconds=chance.randrange(60))
        event = {
            "event_id": f"e{seed}-{number}-ü"[chance.randrange(2) :],
            "type": kind,
            "timestamp": at.isoformat(),
            "payload": payload,
        }
        made.append((chance.choice(("acme", "Bolt", "corner")), event))
    return made


def is_on_time(event: Event) -> bool:
    delay = event["payload"].get("dep_delay")
    return event["type"] == "flight.departed" and isinstance(delay, int | float) and delay < 15


def expected(events: list[tuple[str, Event]], minutes: int) -> tuple[int, int]:
    """Return good and total of the last minutes."""
    inside = [
        event
        for _, event in {(account, event["event_id"]): (account, event) for account, event in reversed(events)}.values()
        if event["type"] in FLIGHTS and END - minutes <= minute_of(datetime.fromisoformat(event["timestamp"])) < END
    ]
    return sum(map(is_on_time, inside)), len(inside)


def batches(events: list[tuple[str, Event]], size: int = 5) -> list[Any]:
    made = []
    for start in range(0, len(events), size):
        by_account: dict[str, list[Event]] = {}
        for account, event in events[start : start + size]:
            by_account.setdefault(account, []).append(event)
        for account, some in by_account.items():
            made.append(batch(some, account_id=account, number=next(_numbers), received=NOW))
    return made


@pytest.fixture
def writer(database: Database) -> Writer:
    return Writer(database, statement_events=100, clock=lambda: NOW)


def counts(parts: SLOParts, name: str = "on-time") -> tuple[int, int]:
    (found,) = [each for each in parts.evaluator.every(NOW) if each.definition.name == name]
    assert not found.backfilling
    return found.figures.counts.good, found.figures.counts.total


def test_events_count_as_they_are_stored(parts: SLOParts, writer: Writer) -> None:
    events = some_events(1, 200)
    parts.slos.apply(together(ON_TIME, OF_ACME), by="test", now=NOW)

    for some in batches(events):
        writer.store([some])

    assert counts(parts) == expected(events, 30 * 1_440)
    departed = [
        e
        for a, e in events
        if a == "acme"
        and e["type"] == "flight.departed"
        and minute_of(datetime.fromisoformat(e["timestamp"])) >= END - 43_200
    ]
    late = [
        e for e in departed if isinstance(e["payload"]["dep_delay"], int | float) and e["payload"]["dep_delay"] >= 14.5
    ]
    assert counts(parts, "late-of-acme") == (len(departed) - len(late), len(departed))


def test_late_events_restate_the_past_that_was_remembered(parts: SLOParts, writer: Writer) -> None:
    events = some_events(2, 200)
    parts.slos.apply(ON_TIME, by="test", now=NOW)
    for some in batches(events[:100]):
        writer.store([some])
    assert counts(parts) == expected(events[:100], 43_200)

    for some in batches(events[100:]):
        writer.store([some])

    assert counts(parts) == expected(events, 43_200)


def test_what_is_delivered_again_or_sent_twice_counts_once(parts: SLOParts, writer: Writer) -> None:
    events = some_events(3, 60)
    parts.slos.apply(ON_TIME, by="test", now=NOW)
    delivered = batches(events)

    for some in (*delivered, *delivered, *batches(events, size=7)):
        writer.store([some])
    writer.store(delivered)

    assert counts(parts) == expected(events, 43_200)


def test_a_poisoned_neighbour_does_not_change_what_counts(parts: SLOParts, writer: Writer, database: Database) -> None:
    events = some_events(4, 40)
    parts.slos.apply(ON_TIME, by="test", now=NOW)
    poison = {**events[0][1], "event_id": "poison", "payload": {"dep_delay": 1, "x": "\0"}}
    received = NOW

    spoiled = batch([poison, *(event for _, event in events)], account_id="acme", number=9, received=received)
    writer.store([spoiled])

    own = [("acme", event) for _, event in events]
    assert counts(parts) == expected(own, 43_200)
    assert Replayer(database, statement_events=10, clock=lambda: NOW).replay("acme", []) == 0
    assert counts(parts) == expected(own, 43_200)


def test_what_was_stored_before_the_rule_is_backfilled_and_until_then_nothing_is_said(
    parts: SLOParts, writer: Writer, database: Database
) -> None:
    events = some_events(5, 150)
    for some in batches(events):
        writer.store([some])
    backfill = Backfill(database, step=11)

    parts.catalogue.apply(ON_TIME, by="test", now=NOW)
    (before,) = parts.evaluator.every(NOW)
    assert backfill.step(NOW)
    (during,) = parts.evaluator.every(NOW)
    while backfill.step(NOW):
        pass

    assert (before.backfilling, during.backfilling) == (True, True)
    assert before.figures.state == during.figures.state == "NO_DATA"
    assert counts(parts) == expected(events, 43_200)
    assert not backfill.step(NOW)


def test_the_past_by_a_filter_that_was_changed_is_kept_until_its_rule_is_forgotten(
    parts: SLOParts, writer: Writer, database: Database
) -> None:
    for some in batches(some_events(7, 60)):
        writer.store([some])
    first, then = NOW - timedelta(days=2), NOW - timedelta(days=1)
    parts.slos.apply(ON_TIME, by="test", now=first)
    told = parts.slos.one("on-time", first)
    parts.slos.apply(ON_TIME.replace("<15", "<1000"), by="test", now=then)

    before, after = parts.slos.one("on-time", first), parts.slos.one("on-time", NOW)

    assert told is not None
    assert after is not None
    assert before == told
    assert before.kept
    assert (after.kept, after.backfilling) == (True, False)

    with database.begin() as connection:
        assert forget(connection, NOW) == 1
    gone = parts.slos.one("on-time", first)
    assert gone is not None
    assert (gone.kept, gone.backfilling, gone.state) == (False, False, "NO_DATA")


def test_a_small_past_is_backfilled_before_the_answer(parts: SLOParts, writer: Writer) -> None:
    events = some_events(6, 30)
    for some in batches(events):
        writer.store([some])

    parts.slos.apply(ON_TIME, by="test", now=NOW)

    assert counts(parts) == expected(events, 43_200)


@pytest.mark.parametrize("seed", range(2))
def test_no_event_is_counted_twice_or_missed_while_the_backfill_runs(
    parts: SLOParts, database_url: str, database: Database, seed: int
) -> None:
    """Four threads store, with redeliveries, while rules are made and backfilled a few events at a time."""
    events = some_events(100 + seed, 300)
    delivered = batches(events, size=3)
    chance = random.Random(seed)
    for some in delivered[:40]:
        Writer(database, statement_events=100, clock=lambda: NOW).store([some])
    rest = delivered[30:] + chance.sample(delivered, 30)
    chance.shuffle(rest)
    queue = iter(rest)
    lock = threading.Lock()

    def next_some() -> list[Any]:
        with lock:
            return list(islice(queue, chance.randrange(1, 4)))

    pool = Database(database_url, pool_size=5)

    def store() -> None:
        writer = Writer(pool, statement_events=100, clock=lambda: NOW)
        while some := next_some():
            writer.store(some)

    threads = [threading.Thread(target=store) for _ in range(4)]
    for thread in threads:
        thread.start()
    parts.catalogue.apply(ON_TIME, by="test", now=NOW)
    backfill = Backfill(database, step=5)
    while backfill.step(NOW):
        pass
    for thread in threads:
        thread.join()
    pool.close()

    assert counts(parts) == expected(events, 43_200)
    with database.begin() as connection:
        sums = Counter[int]()
        for width, total in connection.execute(text("SELECT width, sum(total) FROM rule_counts GROUP BY width")):
            sums[width] = int(total)
        stored = connection.execute(text("SELECT count(*) FROM events WHERE type LIKE 'flight.%'")).scalar_one()
    assert sums == Counter({1: stored, 15: stored, 1_440: stored})


def test_equal_rules_are_one_and_go_with_the_last_slo_that_needs_them(
    parts: SLOParts, writer: Writer, database: Database
) -> None:
    twin = ON_TIME.replace("name: on-time", "name: twin").replace("target: 0.8", "target: 0.9")
    parts.slos.apply(together(ON_TIME, twin), by="test", now=NOW)
    events = some_events(7, 20)
    for some in batches(events):
        writer.store([some])

    assert counts(parts) == counts(parts, "twin") == expected(events, 43_200)
    parts.slos.remove("twin", by="test", now=NOW + timedelta(seconds=1))
    assert list(rules(database)) == [True]
    parts.slos.remove("on-time", by="test", now=NOW + timedelta(seconds=2))
    with database.begin() as connection:
        assert forget(connection, NOW + timedelta(seconds=2)) == 0
        assert forget(connection, NOW + timedelta(seconds=3)) == 1
    assert list(rules(database)) == []

    parts.slos.apply(ON_TIME, by="test", now=NOW + timedelta(seconds=3))
    assert counts(parts) == expected(events, 43_200)


def rules(database: Database) -> Iterator[bool]:
    with database.begin() as connection:
        for (done,) in connection.execute(text("SELECT backfilled_at IS NOT NULL FROM counting_rules")):
            yield bool(done)
