"""The context attributes of CloudEvents 1.0: which are taken, and how they identify an event."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from ingestion.events.examination import shown
from ingestion.events.native import name_refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ingestion.events.examination import Refusal
    from ingestion.events.instants import Period

REQUIRED = ("specversion", "id", "source", "type")
TEXTS = frozenset({"id", "source", "subject", "dataschema", "datacontenttype"})
"""Attributes of the specification that are any text but none."""
INTEGERS = range(-(2**31), 2**31)
"""What CloudEvents' type Integer holds."""

_NAME = re.compile("[a-z0-9]+")
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(f"{chr(p << 16 | 0xFFFE)}{chr(p << 16 | 0xFFFF)}" for p in range(17))
_DISALLOWED = re.compile(f"[\0-\x1f\x7f-\x9f{_NONCHARACTERS}]")
"""What CloudEvents' type String excludes, apart from half surrogate pairs."""


def event_id_of(source: str, identity: str) -> str:
    r"""Return the event id of a CloudEvent: SHA-256 of `source`, a line feed and `id`, in lower-case hexadecimal.

    An attribute has no control characters, so no two pairs look alike. In a shell:
    `printf '%s\n%s' "$source" "$id" | sha256sum`.
    """
    return sha256(f"{source}\n{identity}".encode()).hexdigest()


def attribute_refusals(attributes: Mapping[str, object], period: Period) -> Iterator[Refusal]:
    """Say which attributes are missing or not taken. A null is an attribute that is not set."""
    for name in REQUIRED:
        if attributes.get(name) is None:
            yield name, "is missing"
    for name, value in attributes.items():
        if value is not None and (why := _refusal(name, value, period)):
            yield shown(name), why


def _refusal(name: str, value: object, period: Period) -> str | None:
    if name in TEXTS:
        return _text_refusal(value) or ("must not be empty" if value == "" else None)
    match name:
        case "specversion":
            return None if value == "1.0" else 'must be "1.0"'
        case "type":
            return name_refusal(value) or _text_refusal(value)
        case "time":
            return period.refusal(value)
        case "data_base64":
            return "is not taken: the data of an event must be a JSON object, in `data`"
        case _:
            return _extension_refusal(name, value)


def _extension_refusal(name: str, value: object) -> str | None:
    if not _NAME.fullmatch(name):
        return "is not the name of an attribute: those have lower-case letters and digits only"
    if isinstance(value, str):
        return _text_refusal(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return None if value in INTEGERS else "is a whole number outside of CloudEvents' 32 bits; send it as a string"
    return "is an extension, so it must be a string, a whole number or a boolean"


def _text_refusal(value: object) -> str | None:
    if not isinstance(value, str):
        return "must be a string"
    if value.isascii() and value.isprintable():
        return None
    if found := _DISALLOWED.search(value):
        return f"contains U+{ord(found.group()):04X}, which CloudEvents does not allow"
    return None
