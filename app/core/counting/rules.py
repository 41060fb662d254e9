"""Counting rules: which events count, and which of them are good."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from app.domain.filters import Source, parse
from app.domain.predicates import Compared, Equal, OneOf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.domain.filters import Filter
    from app.domain.predicates import Predicate

_encode = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode


class UnknownRuleError(ValueError):
    """A stored rule that this release does not understand."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The part is what is good of the total, or else what is bad."""

    total: Filter
    part: Filter
    part_is_good: bool

    @property
    def filters(self) -> str:
        """The rule as JSON, equal for equal rules."""
        part = "good" if self.part_is_good else "bad"
        return _encode({"total": _conditions(self.total), part: _conditions(self.part)}).decode()

    @property
    def rule_id(self) -> str:
        return hashlib.sha256(self.filters.encode()).hexdigest()

    def is_good(self, record: Mapping[str, object]) -> bool:
        """Say whether an event of the total is good."""
        return self.part.matches(record) is self.part_is_good


def rule_of(filters: str) -> Rule:
    """Return the rule that `Rule.filters` wrote; raises `UnknownRuleError`."""
    try:
        written: dict[str, dict[str, Any]] = msgspec.json.decode(filters)
        is_good = "good" in written
        part = written["good" if is_good else "bad"]
        return Rule(parse(Source.EVENTS, written["total"]), parse(Source.EVENTS, part), is_good)
    except (msgspec.DecodeError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise UnknownRuleError(f"a counting rule is not understood: {error}") from error


def _conditions(chosen: Filter) -> dict[str, object]:
    return {field: _plain(predicate) for field, predicate in chosen.conditions}


def _plain(predicate: Predicate) -> object:
    if isinstance(predicate, OneOf):
        return [_plain(member) for member in predicate.members]
    if isinstance(predicate, Equal):
        return predicate.value.normalize() if isinstance(predicate.value, Decimal) else predicate.value
    if isinstance(predicate, Compared):
        return f"{predicate.comparison}{predicate.limit.normalize():f}"
    raise TypeError(f"events have no {predicate}")
