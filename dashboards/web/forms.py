"""What a browser sends: forms and queries as text in which PostgreSQL can look things up."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs

import msgspec
from flask import g, request

from app.core.http.body import read_body
from app.core.problems import FieldError, Problem, ProblemType
from app.domain.calendar import zone_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")

_WORDS = (
    (re.compile(r"Expected `\w+`, got `null`"), "It must not be empty."),
    (re.compile(r"Expected `(?:str|array)` of length >= 1"), "It must not be empty."),
    (re.compile(r"Expected `str` of length <= (\d+)"), "It may have {} letters at most."),
    (re.compile(r"Expected `int`, got `str`"), "It is a number."),
    (re.compile(r"Expected `int` >= (\d+)"), "It is {} at least."),
    (re.compile(r"Expected `int` <= (\d+)"), "It is {} at most."),
    (re.compile(r"Expected `str` matching regex .*"), "There are letters in it that cannot be taken."),
    (re.compile(r"Invalid enum value '(.*)'"), "There is no choice \u201c{}\u201d."),
    (re.compile(r"Invalid RFC3339 encoded date.*"), "It is written like 2026-11-22."),
)
_SMALL = re.compile("[0-9]{1,9}")
LARGEST_FORM = 200_000
_MOST_FIELDS = 500
FORM_TYPE = "application/x-www-form-urlencoded"


class Form:
    """The fields of a form; one that is missing is empty."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def forget(self, *names: str) -> None:
        """Leave fields out: when the form is refused, they are shown as they are now."""
        self._fields = {name: sent for name, sent in self._fields.items() if name not in names}

    @property
    def fields(self) -> Mapping[str, Sequence[str]]:
        """Every field with all it was sent with, as it was typed."""
        return self._fields

    def text(self, name: str) -> str:
        """Return a field without the space around it, lines ended as everywhere but in forms."""
        return self.raw(name).replace("\r\n", "\n").strip()

    def raw(self, name: str) -> str:
        """Return a field as it was typed, such as a password."""
        return self._fields.get(name, ("",))[0]

    def optional(self, name: str) -> str | None:
        """Return a field, None when it is empty."""
        return self.text(name) or None

    def instant(self, name: str, zone: str) -> datetime | None:
        """Return a time on the clock of a zone, as browsers send it. Raises `Problem` when it is none."""
        text = self.text(name)
        if not text:
            return None
        try:
            return datetime.fromisoformat(text).replace(tzinfo=zone_named(zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise invalid(name, "It is written like 2026-11-22T10:00.") from None

    def every(self, name: str) -> list[str]:
        """Return all fields of a name, such as ticked boxes."""
        return [text.strip() for text in self._fields.get(name, ())]


def read_form() -> Form:
    """Return the form of this request. Raises `Problem` when it is none."""
    if "form" not in g:
        body = read_body(request, limit=LARGEST_FORM)
        if body and request.mimetype != FORM_TYPE:
            raise Problem(ProblemType.UNSUPPORTED_MEDIA_TYPE, f"Send `Content-Type: {FORM_TYPE}`.")
        g.form = Form(_fields(body))
    form: Form = g.form
    return form


def query(name: str) -> str | None:
    """Return a parameter of the address, None when it is missing or empty."""
    text = request.args.get(name, "").strip()
    if "\0" in text:
        raise Problem(ProblemType.MALFORMED_REQUEST, f"`{name}` has a NUL in it.")
    return text or None


def number(name: str) -> int:
    """Return a small number of the address, 0 when it is missing or none."""
    text = request.args.get(name, "")
    return int(text) if _SMALL.fullmatch(text) else 0


def _fields(body: bytes) -> dict[str, list[str]]:
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Problem(ProblemType.MALFORMED_REQUEST, "The form cannot be read.") from None
    if any("\0" in text for texts in fields.values() for text in texts):
        raise Problem(ProblemType.MALFORMED_REQUEST, "Text has no NUL in it.")
    return fields


def invalid(field: str, message: str) -> Problem:
    """Return the refusal of one field."""
    return Problem(ProblemType.INVALID_REQUEST, "This cannot be taken.", (FieldError(message, field=field),))


def shaped(shape: type[T], values: Mapping[str, Any]) -> T:
    """Return values as the struct of a use case; raises `Problem` for what it does not allow."""
    try:
        return msgspec.convert(values, shape)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        raise invalid(place.rstrip("`") or "form", _in_words(message)) from None


def _in_words(message: str) -> str:
    """Return what msgspec says of a value as somebody in front of a form understands it."""
    for pattern, words in _WORDS:
        if found := pattern.fullmatch(message):
            return words.format(*found.groups())
    return message
