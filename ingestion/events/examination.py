r"""The exact look at one event's JSON: everything in it that cannot be stored, and where.

It is slow, and its word is final; the quick look (`storable.surely_storable`) only spares most events this one.
Python's own parser does it, because it keeps what others refuse without saying where: half surrogate pairs, NaN.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.events.model import MAX_DEPTH
from ingestion.events.storable import number_refusal, text_refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_REFUSALS = 5
"""Of one event: enough to see the pattern, and an answer cannot outgrow its question."""

_HARMLESS = {int, float, bool, type(None)}
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_SHOWN = 40

Refusal = tuple[str | None, str]
"""A field (None: the event as a whole) and what is wrong with it."""


class Members(tuple[tuple[str, object], ...]):
    """An object's members as they were sent: in their order, and every one of those that repeat a name."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands where a number was that is not taken."""

    why: str


def _integer(text: str) -> int | _Refused:
    why = number_refusal(text)
    return int(text) if why is None else _Refused(why)


def _fraction(text: str) -> float | _Refused:
    why = number_refusal(text)
    return float(text) if why is None else _Refused(why)


def _constant(text: str) -> _Refused:
    return _Refused(f"is {text}, which is not JSON; send null, or leave it out")


_parser = json.JSONDecoder(
    object_pairs_hook=Members, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)


def parse(text: str) -> object:
    """Parse the JSON of one event; raises `RecursionError` for what nests hundreds of levels deep."""
    return _parser.decode(text)


def unstorable(value: object, path: str) -> list[Refusal]:
    """Return what cannot be stored in a parsed value, with the path to it; the first few only."""
    found: list[Refusal] = []
    if why := _own_refusal(value, 1):
        found.append((path, why))
    elif isinstance(value, Members | list):
        _look_inside(value, path, 1, found)
    return found


def _look_inside(container: Members | list[object], path: str, depth: int, found: list[Refusal]) -> None:
    members: Iterable[tuple[str | int, object]] = container if isinstance(container, Members) else enumerate(container)
    for key, value in members:
        if len(found) >= MOST_REFUSALS:
            return
        if isinstance(key, str) and (why := text_refusal(key)):
            found.append((within(path, key), f"has a name that {why}"))
        if type(value) in _HARMLESS:
            continue
        if why := _own_refusal(value, depth + 1):
            found.append((within(path, key), why))
        elif value and isinstance(value, Members | list):
            _look_inside(value, within(path, key), depth + 1, found)


def _own_refusal(value: object, depth: int) -> str | None:
    """Say why a value is not taken, apart from what is inside."""
    if isinstance(value, str):
        return text_refusal(value)
    if isinstance(value, _Refused):
        return value.why
    if depth > MAX_DEPTH and isinstance(value, Members | list):
        return f"is nested deeper than {MAX_DEPTH} levels"
    return None


def within(path: str, key: str | int) -> str:
    """Write the path to a member or an element: `payload.price`, `payload["unit price"]`, `payload.items[3]`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if _PLAIN_NAME.fullmatch(key) and len(key) <= _LONGEST_SHOWN:
        return f"{path}.{key}"
    return f'{path}["{shown(key)}"]'


def shown(text: str) -> str:
    """Write any string so that it can stand in an answer: short, and without what is not printable."""
    cut = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
