"""The fields of a body, read from its JSON Schema, one line each, as people look them up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Field:
    """A field: `path` is written as in `events[].event_id`, `kind` is its type and limits in words."""

    path: str
    kind: str
    required: bool
    about: str


def fields_of(schema: Mapping[str, Any], components: Mapping[str, Any], *, within: str = "") -> Iterator[Field]:
    """Return the fields of an object, or of the objects in a list, and what is in them."""
    schema = _resolved(schema, components)
    if "items" in schema:
        yield from fields_of(schema["items"], components, within=f"{within}[]")
    if within.count(".") >= _DEEPEST:
        return
    for name, described in schema.get("properties", {}).items():
        inner = _resolved(described, components)
        path = f"{within}.{name}" if within else name
        yield Field(path, _kind(inner), name in schema.get("required", ()), described.get("description", ""))
        yield from fields_of(inner, components, within=path)


def _resolved(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference; of what may also be null, take the rest."""
    if "$ref" in schema:
        return _resolved(components[schema["$ref"].rpartition("/")[2]], components)
    choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    return _resolved(choices[0], components) if len(choices) == 1 else schema


def _kind(schema: Mapping[str, Any]) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{choice}`" for choice in schema["enum"] if choice is not None)
    kinds = schema.get("type", "anything")
    names = [kinds] if isinstance(kinds, str) else [kind for kind in kinds if kind != "null"]
    text = " or ".join("list" if name == "array" else name for name in names)
    if schema.get("format"):
        text = schema["format"]
    limits = [
        _range(schema.get("minLength"), schema.get("maxLength"), "characters"),
        _range(schema.get("minItems"), schema.get("maxItems"), "items"),
        _range(schema.get("minimum"), schema.get("maximum"), ""),
    ]
    return ", ".join([text, *(limit for limit in limits if limit)])


def _range(low: int | None, high: int | None, unit: str) -> str:
    if high is None:
        return "" if low is None else f"at least {low:,} {unit}".strip()
    return f"{low:,} to {high:,} {unit}".strip() if low is not None else f"at most {high:,} {unit}".strip()
