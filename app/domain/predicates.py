"""What a filter asks of one value: equal, one of several, a class of statuses, or compared with a number.

Each of them can be evaluated, and of any two it can be decided whether everything that the one lets through the other
lets through as well (`implies`). Predicates that cannot be decided, such as patterns, have no place here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

Scalar = str | bool | Decimal
"""What a value can be equal to. Numbers are `Decimal`, so that 5 and 5.0 are the same."""

_CLASS = 100
"""Statuses in a class: 5xx is 500 to 599."""


class Comparison(StrEnum):
    BELOW = "<"
    AT_MOST = "<="
    AT_LEAST = ">="
    ABOVE = ">"


@dataclass(frozen=True, slots=True)
class Equal:
    value: Scalar

    def matches(self, value: object) -> bool:
        if isinstance(self.value, Decimal):
            return number(value) == self.value
        return type(value) is type(self.value) and value == self.value

    def __str__(self) -> str:
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)


@dataclass(frozen=True, slots=True)
class StatusClass:
    """The hundred statuses that begin with a digit."""

    digit: int

    @property
    def lowest(self) -> int:
        return self.digit * _CLASS

    @property
    def highest(self) -> int:
        return self.lowest + _CLASS - 1

    def matches(self, value: object) -> bool:
        status = number(value)
        return status is not None and self.lowest <= status <= self.highest

    def __str__(self) -> str:
        return f"{self.digit}xx"


@dataclass(frozen=True, slots=True)
class OneOf:
    members: tuple[Equal | StatusClass, ...]

    def matches(self, value: object) -> bool:
        return any(member.matches(value) for member in self.members)

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.members))}]"


@dataclass(frozen=True, slots=True)
class Compared:
    """A number on one side of a limit; what is not a number is on neither."""

    comparison: Comparison
    limit: Decimal

    @property
    def downwards(self) -> bool:
        return self.comparison in {Comparison.BELOW, Comparison.AT_MOST}

    def matches(self, value: object) -> bool:
        measured = number(value)
        if measured is None:
            return False
        if self.comparison is Comparison.BELOW:
            return measured < self.limit
        if self.comparison is Comparison.AT_MOST:
            return measured <= self.limit
        if self.comparison is Comparison.AT_LEAST:
            return measured >= self.limit
        return measured > self.limit

    def cut(self, *, whole: bool) -> tuple[Decimal, int]:
        """Return where the numbers are cut in two, as something that can be ordered: before the limit, or behind it.

        Among `whole` numbers "at most 4" and "below 5" are the same cut.
        """
        behind = int(self.comparison in {Comparison.AT_MOST, Comparison.ABOVE})
        if not whole:
            return self.limit, behind
        return Decimal(math.floor(self.limit) + 1 if behind else math.ceil(self.limit)), 0

    def __str__(self) -> str:
        return f"{self.comparison}{self.limit:f}"


Predicate = Equal | OneOf | StatusClass | Compared


def number(value: object) -> Decimal | None:
    """Return a value as the number that its JSON text says, or None.

    A float stands for its shortest decimal text: 14.99 is 14.99, as it is in PostgreSQL's jsonb, and not the
    14.9900000000000002 that the machine holds.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float) and math.isfinite(value):
        return Decimal(repr(value))
    if isinstance(value, Decimal) and value.is_finite():
        return value
    return None


def implies(narrow: Predicate, wide: Predicate, *, whole: bool = False) -> bool:
    """Say whether every value that `narrow` lets through is let through by `wide`; `whole` when all are whole numbers.

    True is a proof. False may also mean that it takes more than these rules to see it: three equal statuses never add
    up to a class here.
    """
    if isinstance(narrow, Equal):
        return wide.matches(narrow.value)
    if isinstance(narrow, OneOf):
        return all(implies(member, wide, whole=whole) for member in narrow.members)
    if isinstance(wide, OneOf):
        return any(implies(narrow, member, whole=whole) for member in wide.members)
    if isinstance(narrow, StatusClass):
        # Between two ends that are let through everything is: what has a single value lets one of them through at most.
        return wide.matches(narrow.lowest) and wide.matches(narrow.highest)
    if not isinstance(wide, Compared) or narrow.downwards != wide.downwards:
        return False
    inner, outer = narrow.cut(whole=whole), wide.cut(whole=whole)
    return inner <= outer if narrow.downwards else inner >= outer
