"""Counts what was stored before a rule was made, in small steps, while events go on being stored.

1. A rule has a position in the order of the keys of `events`. An event up to it is counted by whoever stores it, one
   behind it by the step that passes it. A new rule's position is before all keys.
2. A step takes the lock alone, so every event that is stored now can be seen, and those being stored wait. It counts the
   next events, moves the position behind them, and commits both at once.
3. A step that finds fewer events than it asked for has come to the end: the rule is complete.
4. What a rule that was removed, or that begins again, has counted goes first, in steps that keep nobody waiting.

Killed between two steps, the next one goes on. Rules that are at the same place move together.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from app.core.counting import counting_store
from app.core.counting.counter import count_events, is_known

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from app.core.counting.counting_store import StoredRule
    from app.core.counting.rules import Rule
    from app.core.database import Database

MOST_UNUSED = 50
"""Rules that no definition uses: each is asked of every event, and whoever changes a filter daily must not slow storing down."""
STEP = 2_000
"""Events a step: it keeps those who store waiting for some 50 ms."""


class Backfill:
    """Thread-safe, and any number may run. Methods raise `DependencyError`; what is counted until then stays counted."""

    def __init__(self, database: Database, *, step: int = STEP) -> None:
        self._database = database
        self._step = step

    def run(self, now: datetime, budget_s: float) -> bool:
        """Go on for some seconds; return whether every rule is complete that this release understands."""
        deadline = time.monotonic() + budget_s
        while True:
            begun = time.monotonic()
            if not self.step(now):
                return True
            ended = time.monotonic()
            if ended > deadline:
                return False
            # As long for the others as for us.
            time.sleep(min(ended - begun, budget_s))

    def step(self, now: datetime) -> bool:
        """Count the next events; False when there is nothing left to do."""
        with self._database.begin() as connection:
            if counting_store.remove_left_over(connection, self._step):
                return True
            # Looking first is free; the lock makes others wait.
            if not _incomplete(connection):
                return False
            counting_store.hold_alone(connection)
            if counting_store.is_left_over(connection):
                return True  # By those who stored until we got the lock, or who removes it now.
            rules = _incomplete(connection)
            if not rules:
                return False
            position = (rules[0].position_account, rules[0].position_event)
            moving = [rule for rule in rules if (rule.position_account, rule.position_event) == position]
            events = counting_store.events_after(connection, position, self._step)
            count_events(connection, moving, events)
            reached = (events[-1].account_id, events[-1].event_id) if events else position
            done = len(events) < self._step
            counting_store.move(connection, [rule.rule_id for rule in moving], reached, now, done=done)
        return True

    def rests(self, now: datetime, since: timedelta) -> bool:
        """Say whether there is something to do and nobody has gone on with it for a while."""
        with self._database.begin() as connection:
            if counting_store.is_left_over(connection):
                return True
            rules = _incomplete(connection)
        moved = [rule.moved_at for rule in rules if rule.moved_at is not None]
        return bool(rules) and (not moved or now - max(moved) > since)


def require(connection: Connection, wanted: Iterable[Rule], now: datetime, *, only: bool = True) -> None:
    """Have these rules in use, and no others with `only`; new ones are incomplete until they are backfilled.

    What is complete and not in use any more goes on counting for a while, for reports on the time when it was (`forget`).
    """
    rules = {rule.rule_id: rule for rule in wanted}
    if {rule.rule_id for rule in counting_store.rules(connection) if rule.unused_since is None} == rules.keys():
        return
    counting_store.hold_alone(connection)
    known = {rule.rule_id: rule for rule in counting_store.rules(connection)}
    left = (
        {name: rule for name, rule in known.items() if rule.unused_since is None and name not in rules} if only else {}
    )
    complete = {name for name, rule in left.items() if rule.backfilled_at is not None}
    counting_store.set_unused(connection, complete, now)
    if left.keys() - complete:
        counting_store.remove_rules(connection, left.keys() - complete)
    counting_store.set_unused(connection, rules.keys() & known.keys(), None)
    for rule_id in sorted(rules.keys() - known.keys()):
        counting_store.add_rule(connection, rule_id, rules[rule_id].filters, now)


def forget(connection: Connection, before: datetime) -> int:
    """Remove rules that nobody has used since a time; what they have counted goes in steps. Return how many."""
    gone = counting_store.forgotten(connection, before, most=MOST_UNUSED)
    if gone:
        counting_store.hold_alone(connection)
        gone = counting_store.forgotten(connection, before, most=MOST_UNUSED)
        counting_store.remove_rules(connection, gone)
    return len(gone)


def counted(connection: Connection) -> dict[str, bool]:
    """Return every rule's id, and whether it has counted everything."""
    return {rule.rule_id: rule.backfilled_at is not None for rule in counting_store.rules(connection)}


def _incomplete(connection: Connection) -> list[StoredRule]:
    rules = counting_store.rules(connection)
    return [rule for rule in rules if rule.backfilled_at is None and is_known(rule)]
