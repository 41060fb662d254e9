"""Counts events for rules, by account and by the event's own minute, quarter of an hour and day (UTC)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog

from app.core.counting import counting_store
from app.core.counting.counting_store import RuleCount
from app.core.counting.rules import UnknownRuleError, rule_of
from app.core.restatements_store import Restated, note_late, spans_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from app.core.counting.counting_store import StoredRule
    from app.core.counting.rules import Rule

WIDTHS = (1, 15, 1_440)
_MINUTE_US = 60_000_000
_BY_KIND = frozenset({"account_id", "type"})
"""Fields that many events share the values of."""

_rule_of = lru_cache(maxsize=4_096)(rule_of)

log = structlog.get_logger(__name__)


class Event(Protocol):
    """What a rule may ask of an event; `payload` is JSON."""

    @property
    def account_id(self) -> str: ...
    @property
    def event_id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def occurred_us(self) -> int: ...
    @property
    def payload(self) -> bytes | None: ...


class EventCounter:
    """Counts what a transaction stores. The rules are those of the moment it was made, which hold until the end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rules = counting_store.rules_for_counting(connection)

    def stored(self, events: Sequence[Event]) -> None:
        """Count events that this transaction has stored, but for those that the backfill of a rule will come to."""
        if not self._rules or not events:
            return
        known = [rule for rule in self._rules if is_known(rule)]
        # An event is never lost for a rule's sake: one that this release cannot count for is backfilled from the start.
        uncounted = {rule.rule_id for rule in self._rules if rule not in known and rule.has_begun}
        if uncounted:
            counting_store.begin_again(self._connection, uncounted)
            log.warning("counting_rules_not_understood", rules=sorted(uncounted))
        everywhere = [rule for rule in known if rule.backfilled_at is not None]
        count_events(self._connection, everywhere, events)
        for rule in known:
            if rule.backfilled_at is None:
                passed = counting_store.keys_up_to(
                    self._connection,
                    ((event.account_id, event.event_id) for event in events),
                    (rule.position_account, rule.position_event),
                )
                ours = [event for event in events if (event.account_id, event.event_id) in passed]
                count_events(self._connection, [rule], ours)


def is_known(rule: StoredRule) -> bool:
    """Say whether this release can count for a rule."""
    try:
        _rule_of(rule.filters)
    except UnknownRuleError:
        return False
    return True


def count_events(connection: Connection, rules: Sequence[StoredRule], events: Iterable[Event]) -> None:
    """Add events to what rules have counted, and note what of it is late."""
    minutes = _by_minute([(rule.rule_id, _rule_of(rule.filters)) for rule in rules], events)
    if not minutes:
        return
    counting_store.add_counts(connection, sorted(_widened(minutes)))
    by_rule: dict[str, list[int]] = {}
    for _, rule_id, minute in minutes:
        by_rule.setdefault(rule_id, []).append(minute)
    spans = [span for rule_id, found in by_rule.items() for span in spans_of(rule_id, found)]
    note_late(connection, Restated.EVENTS, spans)


_Key = tuple[str, str, int]
"""Account, rule, minute since 1970."""


def _by_minute(rules: Sequence[tuple[str, Rule]], events: Iterable[Event]) -> dict[_Key, tuple[int, int]]:
    """Return good and total."""
    minutes: dict[_Key, tuple[int, int]] = {}
    by_kind: dict[tuple[str, str], list[tuple[str, Rule]]] = {}
    for event in events:
        kind = (event.account_id, event.type)
        concerned = by_kind.get(kind)
        if concerned is None:
            concerned = by_kind[kind] = [(name, rule) for name, rule in rules if _may_count(rule, *kind)]
        if not concerned:
            continue
        record = {"account_id": event.account_id, "type": event.type, "payload": _decoded(event.payload)}
        for rule_id, rule in concerned:
            if rule.total.matches(record):
                key = (event.account_id, rule_id, event.occurred_us // _MINUTE_US)
                good, total = minutes.get(key, (0, 0))
                minutes[key] = (good + rule.is_good(record), total + 1)
    return minutes


def _may_count(rule: Rule, account_id: str, kind: str) -> bool:
    known = {"account_id": account_id, "type": kind}
    return all(predicate.matches(known[field]) for field, predicate in rule.total.conditions if field in _BY_KIND)


def _decoded(payload: bytes | None) -> object:
    return None if payload is None else msgspec.json.decode(payload)


def _widened(minutes: dict[_Key, tuple[int, int]]) -> Iterable[RuleCount]:
    for width in WIDTHS:
        buckets: dict[_Key, tuple[int, int]] = {}
        for (account_id, rule_id, minute), (good, total) in minutes.items():
            key = (account_id, rule_id, minute // width * width)
            more = buckets.get(key, (0, 0))
            buckets[key] = (more[0] + good, more[1] + total)
        for (account_id, rule_id, start), (good, total) in buckets.items():
            yield RuleCount(account_id, rule_id, width, start * _MINUTE_US, good, total)
