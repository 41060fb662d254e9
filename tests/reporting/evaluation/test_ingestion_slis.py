"""Freshness and completeness: counted from the 202, bad when the time is up, and bad rather than absent without workers."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.core import keyspace
from app.core.accepted_minutes import AcceptedMinutes
from ingestion.dead_letters import LetterId
from ingestion.housekeeping import OLDER_MINUTES
from ingestion.replay import Replayer
from ingestion.writer import Writer
from reporting.slo.windows import minute_of
from tests.reporting.evaluation.definitions import slo
from tests.reporting.evaluation.stored_events import batch

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.valkey import Valkey
    from app.slo_composition import SLOParts
    from reporting.evaluation.figures import Figures

SLOS = Path(__file__).resolve().parents[3] / "slos"
NOW = datetime.now(UTC).replace(second=20, microsecond=0)
COMPLETE = slo("complete", source="ingestion", total={}, good={"outcome": ["stored", "duplicate"]}, target=0.999)


class Intake:
    """Accepts as admission does, and stores as workers do."""

    def __init__(self, database: Database, valkey: Valkey) -> None:
        self._database = database
        self._valkey = valkey
        self._number = 0

    def accept(self, events: int, at: datetime, *, shard: int = 3) -> None:
        self._valkey.execute("HINCRBY", keyspace.accepted_minutes(shard), minute_of(at), events)

    def store(self, events: int, *, accepted: datetime, stored: datetime, poison: int = 0, prefix: str = "") -> str:
        self._number += 1
        name = prefix or f"{self._number}-"
        made = [
            {"event_id": f"{name}{n}", "type": "a", "payload": {"x": "\0" if n < poison else "y"}}
            for n in range(events)
        ]
        some = batch(made, account_id="acme", number=self._number, received=accepted)
        Writer(self._database, statement_events=100, clock=lambda: stored).store([some])
        return some.batch_id


@pytest.fixture
def intake(database: Database, valkey: Valkey) -> Intake:
    return Intake(database, valkey)


@pytest.fixture
def freshness(parts: SLOParts) -> None:
    files = ("alert-policies.yaml", "freshness.yaml")
    text = "\n---\n".join((SLOS / file).read_text("utf-8") for file in files)
    parts.catalogue.apply(text + "\n---\n" + COMPLETE, by="test", now=NOW)


def figures(parts: SLOParts, name: str = "freshness", now: datetime = NOW) -> Figures:
    (found,) = [each for each in parts.evaluator.every(now) if each.definition.name == name]
    return found.figures


def counted(parts: SLOParts, name: str = "freshness", now: datetime = NOW) -> tuple[int, int]:
    counts = figures(parts, name, now).counts
    return counts.good, counts.total


@pytest.mark.usefixtures("freshness")
@pytest.mark.parametrize(("delay_s", "good"), [(0.2, 4), (59.9, 4), (60, 4), (60.001, 0), (3_600, 0)])
def test_an_event_is_good_when_it_is_stored_within_a_minute_of_its_202(
    parts: SLOParts, intake: Intake, delay_s: float, good: int
) -> None:
    accepted = NOW - timedelta(hours=2)
    intake.accept(4, accepted)
    intake.store(4, accepted=accepted, stored=accepted + timedelta(seconds=delay_s))

    assert counted(parts) == (good, 4)
    assert counted(parts, "complete") == (4, 4)


@pytest.mark.usefixtures("freshness")
def test_without_workers_it_looks_bad_and_not_as_if_nothing_had_happened(parts: SLOParts, intake: Intake) -> None:
    for minutes in range(3, 60):
        intake.accept(100, NOW - timedelta(minutes=minutes))

    found = figures(parts)

    assert (found.counts.good, found.counts.total) == (0, 5_700)
    assert found.state == "EXHAUSTED"
    assert found.burn_rates["5m"] == 100
    assert counted(parts, "complete") == (0, 5_700)


@pytest.mark.usefixtures("freshness")
def test_an_event_whose_minute_is_not_over_does_not_count_until_it_is_stored(parts: SLOParts, intake: Intake) -> None:
    accepted = NOW - timedelta(seconds=10)
    intake.accept(5, accepted)

    assert counted(parts) == (0, 0)
    assert counted(parts, now=NOW + timedelta(seconds=120)) == (0, 5)
    intake.store(3, accepted=accepted, stored=NOW)
    assert counted(parts) == (3, 3)
    assert counted(parts, now=NOW + timedelta(seconds=120)) == (3, 5)


@pytest.mark.usefixtures("freshness")
def test_what_is_stored_hours_later_is_complete_and_never_fresh(parts: SLOParts, intake: Intake) -> None:
    accepted = NOW - timedelta(hours=5)
    intake.accept(6, accepted)
    assert counted(parts) == (0, 6)
    assert counted(parts, "complete") == (0, 6)

    intake.store(6, accepted=accepted, stored=NOW)

    assert counted(parts) == (0, 6)
    assert counted(parts, "complete") == (6, 6)


@pytest.mark.usefixtures("freshness")
def test_duplicates_are_as_fresh_as_what_they_repeat_and_dead_ones_never_are(parts: SLOParts, intake: Intake) -> None:
    accepted = NOW - timedelta(hours=1)
    intake.accept(9, accepted)
    intake.store(3, accepted=accepted, stored=accepted + timedelta(seconds=1), prefix="same-")
    intake.store(3, accepted=accepted, stored=accepted + timedelta(seconds=2), prefix="same-")
    intake.store(3, accepted=accepted, stored=accepted + timedelta(seconds=2), poison=2)

    assert counted(parts) == (7, 9)
    assert counted(parts, "complete") == (7, 9)


@pytest.mark.usefixtures("freshness")
def test_a_dead_letter_that_is_replayed_is_complete_and_never_fresh(
    parts: SLOParts, intake: Intake, database: Database
) -> None:
    accepted = NOW - timedelta(minutes=30)
    intake.accept(4, accepted)
    batch_id = intake.store(4, accepted=accepted, stored=accepted + timedelta(seconds=1), poison=1)
    assert counted(parts, "complete") == (3, 4)

    with database.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE dead_letters SET body = replace(encode(body, 'escape'), '\\\\u0000', '')::bytea"
        )
    assert Replayer(database, statement_events=10, clock=lambda: NOW).replay("acme", [LetterId(batch_id, 0)]) == 1

    assert counted(parts) == (3, 4)
    assert counted(parts, "complete") == (4, 4)


@pytest.mark.usefixtures("freshness")
def test_accepted_minutes_survive_valkey_once_they_are_kept(
    parts: SLOParts, intake: Intake, database: Database, valkey: Valkey
) -> None:
    for minutes, shard in ((3, 0), (90, 3), (90, 15), (20_000, 7)):
        intake.accept(10, NOW - timedelta(minutes=minutes), shard=shard)
    valkey.execute("HSET", keyspace.accepted_minutes(3), OLDER_MINUTES, 1_000_000)
    kept = AcceptedMinutes(database, valkey)

    assert kept.keep(NOW) == 4
    kept.keep(NOW)
    valkey.execute("FLUSHALL")

    assert counted(parts) == (0, 40)


@pytest.mark.usefixtures("freshness")
@pytest.mark.parametrize("quiet_days", [None, 3])
def test_minutes_without_events_are_not_asked_for_again_and_again(
    parts: SLOParts, intake: Intake, database: Database, valkey: Valkey, quiet_days: int | None
) -> None:
    if quiet_days is not None:
        intake.accept(10, NOW - timedelta(days=quiet_days))
    kept = AcceptedMinutes(database, valkey)
    kept.keep(NOW)

    with database.begin() as connection:
        assert kept.kept_until(connection, NOW) >= minute_of(NOW) - 60
    later = NOW + timedelta(minutes=5)
    intake.accept(5, NOW)
    kept.keep(later)
    valkey.execute("FLUSHALL")
    assert counted(parts, now=later)[1] == (5 if quiet_days is None else 15)


@pytest.mark.usefixtures("freshness")
def test_a_minute_that_goes_on_after_it_was_kept_is_counted_whole(
    parts: SLOParts, intake: Intake, database: Database, valkey: Valkey
) -> None:
    kept = AcceptedMinutes(database, valkey)
    accepted = NOW - timedelta(minutes=3)
    intake.accept(10, accepted)
    kept.keep(NOW)
    intake.accept(5, accepted)

    assert counted(parts) == (0, 15)
    kept.keep(NOW)
    assert counted(parts) == (0, 15)


@pytest.mark.usefixtures("freshness")
@pytest.mark.parametrize("kept", [False, True], ids=["in Valkey", "kept in PostgreSQL"])
def test_days_of_it_are_what_a_recount_says(
    parts: SLOParts, intake: Intake, database: Database, valkey: Valkey, *, kept: bool
) -> None:
    chance = random.Random(11)
    accepted: Counter[int] = Counter()
    fresh: Counter[int] = Counter()
    complete: Counter[int] = Counter()
    for _ in range(120):
        at = (NOW - timedelta(minutes=chance.randrange(3, 6_000))).replace(second=chance.randrange(60))
        events, delay_s = chance.randrange(1, 5), chance.choice((1, 40, 60, 61, 900))
        intake.accept(events, at, shard=chance.choice((3, 8)))
        accepted[minute_of(at)] += events
        if chance.random() < 0.8:
            intake.store(events, accepted=at, stored=at + timedelta(seconds=delay_s))
            complete[minute_of(at)] += events
            fresh[minute_of(at)] += events if delay_s <= 60 else 0
    if kept:
        AcceptedMinutes(database, valkey).keep(NOW)

    assert counted(parts) == (fresh.total(), accepted.total())
    assert counted(parts, "complete") == (complete.total(), accepted.total())
    day = minute_of(NOW) + 1 - 1_440
    within = sum(events for minute, events in accepted.items() if minute >= day)
    bad = within - sum(events for minute, events in fresh.items() if minute >= day)
    assert figures(parts).burn_rates["1d"] == pytest.approx(bad * 100 / within)
