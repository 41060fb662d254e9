"""YAML in and out, as plain values, with the line of each.

Reading goes by the parser's events: it takes no more stack for a deep text, knows lines, sees a key that is there
twice, keeps 0.999 as it is written (`Decimal`), and has no way to make anything but mappings, lists, texts, numbers,
booleans and null. Scalars are those of YAML 1.2, so that `on` and `2022-01-01` are texts; writing quotes what YAML 1.1
would misread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import yaml

from reporting.definitions.findings import DefinitionError, finding_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reporting.definitions.findings import Path

MOST_CHARACTERS = 2_000_000
MOST_VALUES = 200_000
"""With what aliases repeat: a text of a few lines can stand for billions of values."""
DEEPEST = 64

# libyaml where the installed PyYAML was built with it, as its wheels are: twenty times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONSTANTS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    text: value for value in (True, False) for text in (str(value).lower(), str(value), str(value).upper())
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,100}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,100}|[0-9]{1,100}(\.[0-9]{0,100})?)([eE][-+]?[0-9]{1,3})?")
_TEXT_TAGS = {"tag:yaml.org,2002:str", "!"}
_COLLECTION_TAGS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}


@dataclass(slots=True)
class Document:
    """One document of a text; `lines` has the line of every value by its path."""

    value: Any
    lines: dict[Path, int | None] = field(default_factory=dict)

    def line(self, path: Path) -> int | None:
        """Return the line of a path, or of the nearest thing around it that is in the text."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being read."""

    value: dict[str, Any] | list[Any]
    path: Path
    anchor: str | None
    key: str | None = None
    size: int = 1
    depth: int = 1


def read(text: str) -> list[Document]:
    """Return the documents of a YAML text, those without content left out; raises `DefinitionError`."""
    if len(text) > MOST_CHARACTERS:
        raise _error((), "too_long", f"more than {MOST_CHARACTERS:,} characters")
    try:
        return [document for document in _Reader().read(text) if document.value is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        raise _error((), "yaml", f"is not YAML: {reason}", mark.line + 1 if mark else None) from error
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise _error((), "yaml", f"is not YAML: {error}") from error


def write(documents: list[Mapping[str, Any]]) -> str:
    """Return documents as YAML, keys in the order in which they are."""
    return yaml.dump_all(
        documents,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        explicit_start=len(documents) > 1,
        width=120,
    )


class _Reader:
    def __init__(self) -> None:
        self._anchors: dict[str, tuple[Any, int, int]] = {}
        self._stack: list[_Open] = []
        self._documents: list[Document] = []
        self._values = 0

    def read(self, text: str) -> list[Document]:
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                self._documents.append(Document(None))
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._begin(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                ended = self._stack.pop()
                if ended.anchor is not None:
                    self._anchors[ended.anchor] = (ended.value, ended.size, ended.depth)
                if self._stack:
                    self._stack[-1].size += ended.size
                    self._stack[-1].depth = max(self._stack[-1].depth, ended.depth + 1)
        return self._documents

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            raise self._refused("tag", f"has the tag {event.tag}, which means nothing here", event)
        if "\0" in event.value:
            # It would be refused where nobody expects it: when an alert fires, and its title is to be stored.
            raise self._refused("nul", "has a NUL in it, which cannot be stored", event)
        plain = bool(event.implicit[0])
        value = resolve(event.value) if plain else event.value
        if self._awaits_key():
            self._key(event, value)
        else:
            self._put(value, event, size=1)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1, 0)

    def _key(self, event: yaml.ScalarEvent, key: object) -> None:
        top = self._stack[-1]
        if not isinstance(key, str):
            raise self._refused("key_not_text", f"the key {event.value} is not a text; quote it", event)
        if isinstance(top.value, dict) and key in top.value:
            raise self._refused("duplicate_key", f"{key!r} is there twice", event)
        top.key = key

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:
            raise self._refused("unknown_alias", f"nothing is anchored as {event.anchor} before", event)
        if self._awaits_key():
            raise self._refused("key_not_text", "an alias is no key", event)
        value, size, depth = self._anchors[event.anchor]
        if len(self._stack) + depth > DEEPEST:
            raise self._refused("too_deep", f"nested deeper than {DEEPEST}", event)
        if self._stack:
            self._stack[-1].depth = max(self._stack[-1].depth, depth + 1)
        self._put(value, event, size=size)

    def _begin(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        if event.tag is not None and event.tag not in _COLLECTION_TAGS:
            raise self._refused("tag", f"has the tag {event.tag}, which means nothing here", event)
        if self._awaits_key():
            raise self._refused("key_not_text", "a mapping or a list is no key", event)
        if len(self._stack) >= DEEPEST:
            raise self._refused("too_deep", f"nested deeper than {DEEPEST}", event)
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        path = self._put(value, event, size=0)
        self._stack.append(_Open(value, path, event.anchor))

    def _put(self, value: Any, event: yaml.Event, *, size: int) -> Path:
        """Place a value where the parser is; return its path."""
        self._values += size or 1
        if self._values > MOST_VALUES:
            raise self._refused("too_long", f"more than {MOST_VALUES:,} values", event)
        path: Path = ()
        if self._stack:
            top = self._stack[-1]
            top.size += size
            if isinstance(top.value, list):
                path = (*top.path, len(top.value))
                top.value.append(value)
            else:
                path = (*top.path, top.key or "")
                top.value[top.key or ""] = value
                top.key = None
        else:
            self._documents[-1].value = value
        self._documents[-1].lines[path] = _line(event)
        return path

    def _awaits_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None

    def _refused(self, code: str, message: str, event: yaml.Event) -> DefinitionError:
        top = self._stack[-1] if self._stack else None
        path = () if top is None else top.path if top.key is None else (*top.path, top.key)
        return _error(path, code, message, _line(event))


def resolve(text: str) -> Any:
    """Return the value of a plain scalar: null, a boolean, an integer, a `Decimal`, or the text itself."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return Decimal(text) if _FLOAT.fullmatch(text) else text


def _line(event: yaml.Event) -> int | None:
    return event.start_mark.line + 1 if event.start_mark else None


def _error(path: Path, code: str, message: str, line: int | None = None) -> DefinitionError:
    return DefinitionError([finding_at(path, code, message, line=line)])


class _Dumper(yaml.SafeDumper):
    """Writes `Decimal` as the number it is, and quotes a text that would be read as something else."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _write_number(dumper: yaml.SafeDumper, value: Decimal) -> yaml.ScalarNode:
    text = f"{value:f}"
    return dumper.represent_scalar("tag:yaml.org,2002:float" if "." in text else "tag:yaml.org,2002:int", text)


def _write_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None if isinstance(resolve(value), str) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(Decimal, _write_number)
_Dumper.add_representer(str, _write_text)
