"""Rules that are removed, and rules that this release does not understand: neither costs anybody an event or a wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import event, text

from app.core.counting import counting_store
from app.core.counting.backfill import MOST_UNUSED, Backfill, counted, forget, require
from app.core.counting.rules import Rule
from app.domain.filters import Source, parse
from ingestion.writer import Writer
from tests.reporting.evaluation.stored_events import batch

if TYPE_CHECKING:
    from app.core.database import Database

NOW = datetime.now(UTC).replace(microsecond=0)
RULE = Rule(parse(Source.EVENTS, {"type": "a"}), parse(Source.EVENTS, {"type": "a"}), part_is_good=True)
OTHER = Rule(parse(Source.EVENTS, {"type": "a"}), parse(Source.EVENTS, {"type": "a"}), part_is_good=False)
FROM_LATER = '{"total": {"colour": "red"}, "good": {"colour": "red"}}'


def require_rules(database: Database, *rules: Rule) -> None:
    with database.begin() as connection:
        require(connection, rules, NOW)


def forget_rules(database: Database) -> None:
    with database.begin() as connection:
        forget(connection, NOW + timedelta(seconds=1))


def store_events(database: Database, first: int, number: int) -> None:
    """Store events of one type, one a minute."""
    events = [
        {"event_id": f"e{n}", "type": "a", "timestamp": (NOW - timedelta(minutes=n)).isoformat(), "payload": {"n": n}}
        for n in range(first, first + number)
    ]
    writer = Writer(database, statement_events=100, clock=lambda: NOW)
    writer.store([batch(events, account_id="acme", number=first, received=NOW)])


def write_filters(database: Database, rule: Rule, filters: str) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE counting_rules SET filters = CAST(:f AS jsonb)"), {"f": filters})
        assert [each.rule_id for each in counting_store.rules(connection)] == [rule.rule_id]


def finish(backfill: Backfill) -> int:
    steps = 0
    while backfill.step(NOW):
        steps += 1
    return steps


def total_of(database: Database, rule: Rule) -> int:
    query = text("SELECT coalesce(sum(total), 0)::bigint FROM rule_counts WHERE width = 1 AND rule_id = :rule_id")
    with database.begin() as connection:
        return int(connection.execute(query, {"rule_id": rule.rule_id}).scalar_one())


def test_what_a_removed_rule_has_counted_goes_in_small_steps(database: Database) -> None:
    require_rules(database, RULE, OTHER)
    backfill = Backfill(database, step=10)
    finish(backfill)
    store_events(database, 0, 30)

    require_rules(database, OTHER)
    forget_rules(database)

    assert total_of(database, RULE) == 30
    assert backfill.rests(NOW, timedelta(seconds=30))
    assert finish(backfill) >= 3
    assert (total_of(database, RULE), total_of(database, OTHER)) == (0, 30)
    assert not backfill.rests(NOW, timedelta(seconds=30))


def test_a_rule_that_is_not_used_any_more_goes_on_counting_until_it_is_forgotten(database: Database) -> None:
    require_rules(database, RULE)
    backfill = Backfill(database, step=10)
    finish(backfill)
    store_events(database, 0, 30)

    require_rules(database, OTHER)
    store_events(database, 100, 5)
    finish(backfill)

    with database.begin() as connection:
        assert forget(connection, NOW - timedelta(seconds=1)) == 0
        assert counted(connection) == {RULE.rule_id: True, OTHER.rule_id: True}
    assert total_of(database, RULE) == 35
    require_rules(database, RULE)
    forget_rules(database)
    with database.begin() as connection:
        assert counted(connection) == {RULE.rule_id: True}, "the one is in use again, and the other is forgotten"


def test_of_unused_rules_some_are_kept(database: Database) -> None:
    rules = [
        Rule(parse(Source.EVENTS, {"type": f"t{n}"}), parse(Source.EVENTS, {"type": f"t{n}"}), part_is_good=True)
        for n in range(MOST_UNUSED + 3)
    ]
    require_rules(database, *rules)
    finish(Backfill(database))
    require_rules(database)

    with database.begin() as connection:
        assert forget(connection, NOW - timedelta(days=1)) == 3
        assert len(counted(connection)) == MOST_UNUSED


def test_a_rule_that_comes_back_before_its_counts_are_gone_counts_everything_once(database: Database) -> None:
    require_rules(database, RULE)
    backfill = Backfill(database, step=10)
    finish(backfill)
    store_events(database, 0, 30)

    require_rules(database)
    forget_rules(database)
    store_events(database, 100, 5)
    require_rules(database, RULE)
    store_events(database, 200, 5)
    with database.begin() as connection:
        assert counted(connection) == {RULE.rule_id: False}
    finish(backfill)

    assert total_of(database, RULE) == 40


def test_events_are_stored_in_spite_of_a_rule_of_a_later_release_which_is_counted_by_it_from_the_start(
    database: Database,
) -> None:
    require_rules(database, RULE)
    backfill = Backfill(database, step=10)
    finish(backfill)
    store_events(database, 0, 5)
    write_filters(database, RULE, FROM_LATER)

    store_events(database, 50, 5)

    with database.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM events")).scalar_one() == 10
        assert counted(connection) == {RULE.rule_id: False}
    assert finish(backfill) <= 2, "an earlier release only clears what was counted"
    write_filters(database, RULE, RULE.filters)
    finish(backfill)
    with database.begin() as connection:
        assert counted(connection) == {RULE.rule_id: True}
    assert total_of(database, RULE) == 10


def test_a_rule_that_waits_for_a_later_release_costs_those_who_store_no_statement(database: Database) -> None:
    require_rules(database, RULE)
    write_filters(database, RULE, FROM_LATER)
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    store_events(database, 0, 5)

    assert not [each for each in statements if "counting_rules" in each and "UPDATE" in each]
