"""Which requests, events or batches an indicator counts: named fields, each with a predicate, all of which must hold.

`source: requests` knows `service, route, method, status, tier, account_id, reason, duration_ms`; `source: events` knows
`account_id, type` and `payload.<field>` (dots lead into nested objects); `source: ingestion` knows of every accepted
event its `outcome` and `delay_s`, the seconds from its 202 until it was stored.
A record without a field does not match a filter that names it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from app.domain.histogram import InexactThresholdError, first_bucket_from
from app.domain.predicates import Compared, Comparison, Equal, OneOf, StatusClass, implies, number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.domain.predicates import Predicate

_COMPARED = re.compile(r"(<=|>=|<|>)(.*)", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_STATUS_CLASS = re.compile(r"[1-9]xx")
_PAYLOAD = "payload."
_US = 1_000
"""Microseconds in a millisecond."""


class Source(StrEnum):
    REQUESTS = "requests"
    EVENTS = "events"
    INGESTION = "ingestion"


class _Kind(StrEnum):
    TEXT = "text"
    STATUS = "status"
    DURATION = "duration"
    SECONDS = "seconds"
    JSON = "json"


_FIELDS: dict[Source, dict[str, _Kind]] = {
    Source.REQUESTS: {
        **dict.fromkeys(("service", "route", "method", "tier", "account_id", "reason"), _Kind.TEXT),
        "status": _Kind.STATUS,
        "duration_ms": _Kind.DURATION,
    },
    Source.EVENTS: {"account_id": _Kind.TEXT, "type": _Kind.TEXT},
    Source.INGESTION: {"outcome": _Kind.TEXT, "delay_s": _Kind.SECONDS},
}
_CLOSED = {
    "method": ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "__other__"),
    "outcome": ("stored", "duplicate", "dead"),
}
"""Fields that have no other values. A filter for another one would match nothing, and look perfect."""


@dataclass(frozen=True, slots=True)
class FilterProblem:
    """What is wrong with a field of a filter; `code` is for programs."""

    field: str
    code: str
    message: str


class FilterError(ValueError):
    """A filter that cannot be used, with everything that is wrong with it."""

    def __init__(self, problems: Iterable[FilterProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Filter:
    """Fields and what is asked of them, in the order of their names."""

    source: Source
    conditions: tuple[tuple[str, Predicate], ...] = ()

    def matches(self, record: Mapping[str, object]) -> bool:
        """Say whether a record is counted; `payload` is a mapping in it."""
        return all(predicate.matches(_value(record, field)) for field, predicate in self.conditions)

    def beyond(self, other: Filter) -> tuple[str, ...]:
        """Return the fields by which a record of this filter may fall outside of the other; none is a proof."""
        own = dict(self.conditions)
        return tuple(
            field
            for field, predicate in other.conditions
            if field not in own or not implies(own[field], predicate, whole=field == "status")
        )

    def is_subset_of(self, other: Filter) -> bool:
        """Say whether it is proven that every record of this filter is one of the other's as well."""
        return self.source is other.source and not self.beyond(other)

    def names(self, field: str) -> bool:
        """Say whether the filter asks anything of a field."""
        return any(name == field for name, _ in self.conditions)


def parse(source: Source, conditions: Mapping[str, object]) -> Filter:
    """Read a filter as YAML or JSON gives it; raises `FilterError` with every problem at once."""
    found: list[tuple[str, Predicate]] = []
    problems: list[FilterProblem] = []
    for field in sorted(conditions):
        try:
            found.append((field, _predicate(source, field, conditions[field])))
        except FilterError as error:
            problems += error.problems
    if problems:
        raise FilterError(problems)
    return Filter(source, tuple(found))


def threshold_us(predicate: Compared) -> int:
    """Return the duration in µs at which a comparison of `duration_ms` cuts: shorter ones are on its lower side.

    Durations are whole microseconds. Raises `InexactThresholdError` for a cut that no bucket begins at.
    """
    in_us = Compared(predicate.comparison, predicate.limit * _US)
    cut, _ = in_us.cut(whole=True)
    first_bucket_from(int(cut))
    return int(cut)


def _predicate(source: Source, field: str, value: object) -> Predicate:
    kind = _kind(source, field)
    if isinstance(value, list | tuple):
        if not value:
            raise _problem(field, "empty_list", "an empty list lets nothing through")
        members = tuple(_single(field, kind, member) for member in value)
        if any(isinstance(member, Compared) for member in members):
            raise _problem(field, "comparison_in_list", "a list holds values and classes, no comparisons")
        return OneOf(tuple(member for member in members if not isinstance(member, Compared)))
    return _single(field, kind, value)


def _single(field: str, kind: _Kind, value: object) -> Equal | StatusClass | Compared:
    if isinstance(value, str) and (compared := _COMPARED.fullmatch(value.strip())):
        return _compared(field, kind, Comparison(compared[1]), compared[2].strip())
    if kind in {_Kind.DURATION, _Kind.SECONDS}:
        raise _problem(field, "not_compared", f'is compared with a number, like "<500", and not equal to {value!r}')
    if kind is _Kind.STATUS:
        return _status(field, value)
    if kind is _Kind.TEXT:
        return Equal(_text(field, value))
    if isinstance(value, str | bool):
        return Equal(value)
    if (amount := number(value)) is not None:
        return Equal(amount)
    raise _problem(field, "not_a_value", "is a text, a number, true, false, a comparison, or a list of these")


def _compared(field: str, kind: _Kind, comparison: Comparison, limit: str) -> Compared:
    if kind is _Kind.TEXT:
        raise _problem(field, "not_a_number", "holds texts, which are not compared with numbers")
    if not _NUMBER.fullmatch(limit):
        raise _problem(field, "not_a_number", f"is compared with a number, and {limit!r} is none")
    predicate = Compared(comparison, Decimal(limit))
    if kind is _Kind.SECONDS and (predicate.limit <= 0 or predicate.limit != predicate.limit.to_integral_value()):
        raise _problem(field, "not_whole_seconds", "is counted in whole seconds, a second begun being one")
    if kind is _Kind.DURATION:
        if predicate.limit <= 0:
            raise _problem(field, "not_positive", "no duration is below zero")
        try:
            threshold_us(predicate)
        except InexactThresholdError as error:
            below, above = (_in_ms(edge) for edge in (error.below, error.above))
            side = Comparison.BELOW if predicate.downwards else Comparison.AT_LEAST
            message = (
                f'"{predicate}" cannot be counted exactly; the nearest that can are "{side}{below}" and "{side}{above}"'
            )
            raise _problem(field, "inexact_threshold", message) from error
    return predicate


def _status(field: str, value: object) -> Equal | StatusClass:
    if isinstance(value, str) and _STATUS_CLASS.fullmatch(value):
        return StatusClass(int(value[0]))
    status = Decimal(value) if isinstance(value, str) and value.isascii() and value.isdigit() else number(value)
    if status is None or status != status.to_integral_value():
        raise _problem(
            field, "not_a_status", f'is a status like 404, a class like "5xx" or a comparison, not {value!r}'
        )
    return Equal(status)


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise _problem(field, "not_a_text", f"holds texts, and {value!r} is none; quote it")
    allowed = _CLOSED.get(field)
    if allowed is not None and value not in allowed:
        raise _problem(field, "unknown_value", f"is one of {', '.join(allowed)}, and never {value!r}")
    return value


def _kind(source: Source, field: str) -> _Kind:
    if source is Source.EVENTS and field.startswith(_PAYLOAD) and all(field.split(".")):
        return _Kind.JSON
    known = _FIELDS[source]
    if field in known:
        return known[field]
    names = [*known, "payload.<field>"] if source is Source.EVENTS else list(known)
    nearest = difflib.get_close_matches(field, known, n=1)
    hint = f'; did you mean "{nearest[0]}"?' if nearest else ""
    raise _problem(field, "unknown_filter", f"{source} have no such field, only {', '.join(names)}{hint}")


def _value(record: Mapping[str, object], field: str) -> object:
    value: object = record
    for name in field.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _in_ms(duration_us: int) -> str:
    return f"{(Decimal(duration_us) / _US).normalize():f}"


def _problem(field: str, code: str, message: str) -> FilterError:
    return FilterError([FilterProblem(field, code, message)])
