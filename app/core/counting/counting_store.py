"""`counting_rules` and `rule_counts`: all that is said to them.

Who counts events as they are stored holds the lock shared until its transaction ends, who makes rules or moves their
backfill on holds it alone. So between two of the latter every event is either visible, or will be counted by whoever
stores it, who reads the rules after it got the lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from psycopg.pq import Format
from sqlalchemy import text

from app.core.arrays import BigintArray, TimestampArray, binary_cursor, texts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_LOCK_ID = 0x434F554E
"""Advisory lock of counting: "COUN" in ASCII."""
_HOLD_ALONE = text("SELECT pg_advisory_xact_lock(:id)")

_RULES = """
    SELECT rule_id, filters::text, position_account, position_event, moved_at, backfilled_at, unused_since
      FROM counting_rules
     ORDER BY position_account, position_event, rule_id
"""
# Two statements in one round trip, because every bundle pays for it. Each has a snapshot of its own, so the second one
# sees what was committed while the first one waited.
_HOLD_SHARED_AND_READ = f"SELECT pg_advisory_xact_lock_shared({_LOCK_ID}); {_RULES}"
_ADD_RULE = text("""
    INSERT INTO counting_rules (rule_id, filters, position_account, position_event, created_at)
    VALUES (:rule_id, CAST(:filters AS jsonb), '', '', :now) ON CONFLICT DO NOTHING
""")
_REMOVE_RULES = text("DELETE FROM counting_rules WHERE rule_id = ANY(:rule_ids)")
_SET_UNUSED = text("UPDATE counting_rules SET unused_since = :since WHERE rule_id = ANY(:rule_ids)")
_UNUSED = text("""
    SELECT rule_id FROM (
      SELECT rule_id, unused_since, row_number() OVER (ORDER BY unused_since DESC, rule_id) AS place FROM counting_rules
       WHERE unused_since IS NOT NULL
    ) AS unused WHERE unused_since < :before OR place > :most
""")
_BEGIN_AGAIN = text("""
    UPDATE counting_rules SET position_account = '', position_event = '', backfilled_at = NULL
     WHERE rule_id IN (SELECT rule_id FROM counting_rules
                        WHERE rule_id = ANY(:rule_ids) AND (position_account > '' OR backfilled_at IS NOT NULL)
                        ORDER BY rule_id FOR UPDATE)
""")
# Counts of rules that are no more, or of which nothing counts yet. The recursion looks up one rule after the other, which
# an index answers at once, however much they have counted.
_LEFT_OVER = """
    WITH RECURSIVE counted (rule_id) AS (
        SELECT min(rule_id) FROM rule_counts
        UNION ALL
        SELECT (SELECT min(rule_id) FROM rule_counts WHERE rule_id > counted.rule_id)
          FROM counted WHERE counted.rule_id IS NOT NULL
    ), gone AS (
        SELECT rule_id FROM counted
         WHERE rule_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM counting_rules AS rule
             WHERE rule.rule_id = counted.rule_id AND (rule.position_account > '' OR rule.backfilled_at IS NOT NULL))
    )
"""
_IS_LEFT_OVER = text(f"{_LEFT_OVER} SELECT EXISTS (SELECT FROM gone)")  # noqa: S608 - Of constants.
_REMOVE_LEFT_OVER = text(f"""{_LEFT_OVER}
    DELETE FROM rule_counts WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM rule_counts WHERE rule_id = ANY(ARRAY(SELECT rule_id FROM gone))
         LIMIT :most FOR UPDATE SKIP LOCKED))
""")  # noqa: S608 - Of constants.
_MOVE = text("""
    UPDATE counting_rules SET position_account = :account, position_event = :event, moved_at = :now,
           backfilled_at = CASE WHEN :done THEN :now END
     WHERE rule_id = ANY(:rule_ids)
""")
_FORGET_POSITIONS = text("""
    UPDATE counting_rules SET position_account = '', position_event = ''
     WHERE position_account = :account AND backfilled_at IS NOT NULL
""")
_KEYS_UP_TO = """
SELECT a, e FROM unnest(%b, %b) AS key (a, e) WHERE (a, e) <= (%b, %b)
"""
_EVENTS_AFTER = """
SELECT account_id, event_id, type, (extract(epoch FROM occurred_at) * 1000000)::bigint, payload::text
  FROM events WHERE (account_id, event_id) > (%b, %b) ORDER BY account_id, event_id LIMIT %b
"""
_ADD_COUNTS = """
INSERT INTO rule_counts AS kept (account_id, rule_id, width, bucket, good, total)
SELECT unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b)
ON CONFLICT (account_id, rule_id, width, bucket) DO UPDATE SET
  good = kept.good + excluded.good,
  total = kept.total + excluded.total
"""


class StoredRule(NamedTuple):
    """A rule as JSON, and up to which key of `events` it is counted as events are stored.

    `unused_since`: no definition in force counts it any more; it goes on counting, for whoever asks how things stood.
    """

    rule_id: str
    filters: str
    position_account: str
    position_event: str
    moved_at: datetime | None
    backfilled_at: datetime | None
    unused_since: datetime | None

    @property
    def has_begun(self) -> bool:
        """Whether anything is counted for it."""
        return bool(self.position_account) or self.backfilled_at is not None


class CountedEvent(NamedTuple):
    """What a rule may ask of an event. `payload` is JSON."""

    account_id: str
    event_id: str
    type: str
    occurred_us: int
    payload: bytes | None


class RuleCount(NamedTuple):
    """Events of one account in one bucket; it begins so many microseconds after 1970."""

    account_id: str
    rule_id: str
    width: int
    bucket_us: int
    good: int
    total: int


def rules_for_counting(connection: Connection) -> list[StoredRule]:
    """Return the rules, which then stay as they are until the transaction ends."""
    with binary_cursor(connection) as cursor:
        cursor.format = Format.TEXT  # All that several statements at once can answer in.
        cursor.execute(_HOLD_SHARED_AND_READ, prepare=False)
        cursor.nextset()
        return [StoredRule(*row) for row in cursor.fetchall()]


def hold_alone(connection: Connection) -> None:
    """Let nobody count until the transaction ends; those who did have ended theirs."""
    connection.execute(_HOLD_ALONE, {"id": _LOCK_ID})


def rules(connection: Connection) -> list[StoredRule]:
    """Return the rules, those whose backfill is the least far first."""
    return [StoredRule(*row) for row in connection.execute(text(_RULES))]


def add_rule(connection: Connection, rule_id: str, filters: str, now: datetime) -> None:
    """Add a rule of which nothing is counted; the lock is held alone."""
    connection.execute(_ADD_RULE, {"rule_id": rule_id, "filters": filters, "now": now})


def remove_rules(connection: Connection, rule_ids: Collection[str]) -> None:
    """Remove rules; the lock is held alone. What they have counted is left over."""
    connection.execute(_REMOVE_RULES, {"rule_ids": sorted(rule_ids)})


def set_unused(connection: Connection, rule_ids: Collection[str], since: datetime | None) -> None:
    """Say since when no definition in force counts rules; None when one does. The lock is held alone."""
    connection.execute(_SET_UNUSED, {"rule_ids": sorted(rule_ids), "since": since})


def forgotten(connection: Connection, before: datetime, *, most: int) -> list[str]:
    """Return the rules that nobody has used since a time, and those beyond so many, the first to be unused first."""
    return list(connection.execute(_UNUSED, {"before": before, "most": most}).scalars())


def begin_again(connection: Connection, rule_ids: Collection[str]) -> None:
    """Have rules backfilled from the start; the lock is held. What they have counted is left over."""
    connection.execute(_BEGIN_AGAIN, {"rule_ids": sorted(rule_ids)})


def is_left_over(connection: Connection) -> bool:
    """Say whether there are counts of rules that are no more, or whose backfill has not begun."""
    return bool(connection.execute(_IS_LEFT_OVER).scalar_one())


def remove_left_over(connection: Connection, most: int) -> int:
    """Remove so many of those counts, and return how many; nobody adds to them, so that no lock is needed."""
    return connection.execute(_REMOVE_LEFT_OVER, {"most": most}).rowcount


def move(
    connection: Connection, rule_ids: Collection[str], after: tuple[str, str], now: datetime, *, done: bool
) -> None:
    """Write down how far the backfill of some rules is; the lock is held alone."""
    account, event = after
    parameters = {"rule_ids": sorted(rule_ids), "account": account, "event": event, "now": now, "done": done}
    connection.execute(_MOVE, parameters)


def forget_positions(connection: Connection, account: str) -> None:
    """Forget where backfills ended, if that was at an account; the lock is held alone."""
    connection.execute(_FORGET_POSITIONS, {"account": account})


def keys_up_to(
    connection: Connection, keys: Iterable[tuple[str, str]], position: tuple[str, str]
) -> set[tuple[str, str]]:
    """Return those keys that are not behind a position, in PostgreSQL's order of texts, which need not be ours."""
    pairs = list(keys)
    cursor = binary_cursor(connection)
    accounts, events = texts(account for account, _ in pairs), texts(event for _, event in pairs)
    cursor.execute(_KEYS_UP_TO, (accounts, events, *position))
    return {(account, event) for account, event in cursor.fetchall()}


def events_after(connection: Connection, position: tuple[str, str], limit: int) -> list[CountedEvent]:
    """Return stored events behind a position, in the order of their keys."""
    cursor = binary_cursor(connection)
    cursor.execute(_EVENTS_AFTER, (*position, limit))
    return [
        CountedEvent(account, event, kind, occurred, None if payload is None else payload.encode())
        for account, event, kind, occurred, payload in cursor.fetchall()
    ]


def add_counts(connection: Connection, counts: Sequence[RuleCount]) -> None:
    """Add counts to their buckets; they are sorted, so that all writers lock in one order."""
    if not counts:
        return
    account_ids, rule_ids, widths, buckets, good, total = zip(*counts, strict=True)
    binary_cursor(connection).execute(
        _ADD_COUNTS,
        (
            texts(account_ids),
            texts(rule_ids),
            BigintArray(widths),
            TimestampArray(buckets),
            BigintArray(good),
            BigintArray(total),
        ),
    )
