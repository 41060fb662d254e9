"""Writes OpenSLO objects as YAML that reads back as the same objects, here and in other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import fields

from reporting.definitions.yaml_text import write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reporting.definitions.openslo import OpenSLO


def plain(written: msgspec.Struct) -> dict[str, Any]:
    """Return an object as plain values, fields in the order of the specification, those with nothing in them left out.

    Labels, annotations and the spec of a metric source are the user's, and stay as they are.
    """
    values: dict[str, Any] = {}
    for field in fields(written):
        value = getattr(written, field.name)
        if isinstance(value, msgspec.Struct):
            value = plain(value) or None
        elif isinstance(value, list):
            value = [plain(member) if isinstance(member, msgspec.Struct) else member for member in value]
        if value not in (None, "", False, [], {}):
            values[field.encode_name] = value
    return values


def export(objects: Iterable[OpenSLO]) -> str:
    """Return objects as one YAML text, a document each."""
    return write([plain(each) for each in objects])
