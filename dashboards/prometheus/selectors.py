"""Filters as selectors of PromQL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.domain.predicates import Compared, Equal, OneOf, StatusClass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from app.domain.predicates import Predicate

_STATUSES = range(100, 600)
_CLASS = 100
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def matcher(label: str, predicate: Predicate) -> str:
    """Return the matcher of a label for a predicate on a text or a status."""
    if isinstance(predicate, Equal):
        return f"{label}={quoted(str(predicate.value))}"
    if isinstance(predicate, Compared):
        return f"{label}=~{quoted(_statuses(predicate))}"
    members = predicate.members if isinstance(predicate, OneOf) else (predicate,)
    return f"{label}=~{quoted('|'.join(_pattern(member) for member in members))}"


def selector(metric: str, matchers: Iterable[str], window: str) -> str:
    """Return what counts the events of a window: the sum of all series' increases."""
    inside = ", ".join(matchers)
    braces = f"{{{inside}}}" if inside else ""
    return f"sum(increase({metric}{braces}[{window}]))"


def quoted(text: str) -> str:
    r"""Write a string of PromQL: `a"b` is `"a\"b"`."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def labels(values: Mapping[str, str]) -> str:
    """Write labels as a selector of series that the rules themselves record."""
    return "{" + ", ".join(f"{name}={quoted(value)}" for name, value in values.items()) + "}"


def _pattern(predicate: Equal | StatusClass) -> str:
    """Write what a label may be as a regular expression of RE2, which Prometheus anchors at both ends."""
    if isinstance(predicate, StatusClass):
        return f"{predicate.digit}.."
    return _SPECIAL.sub(lambda found: "\\" + found.group(), str(predicate.value))


def _statuses(predicate: Compared) -> str:
    """Write the statuses on one side of a limit: whole classes, and singly those of a class that is cut in two."""
    parts = []
    for first in range(_STATUSES.start, _STATUSES.stop, _CLASS):
        inside = [status for status in range(first, first + _CLASS) if predicate.matches(status)]
        if len(inside) == _CLASS:
            parts.append(f"{first // _CLASS}..")
        else:
            parts += [str(status) for status in inside]
    return "|".join(parts)
