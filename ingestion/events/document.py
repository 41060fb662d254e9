"""A body that could not be taken at once: where it is not JSON, and otherwise the text of each of its events.

Bodies come here to be refused, so clear words count more than speed. What the parser lets pass that JSON does not know
(NaN, half a surrogate pair) is left to the examination of the single event, which can say where it is.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from app.core.problems import FieldError, Problem, ProblemType
from ingestion.events.examination import shown
from ingestion.events.model import MAX_DEPTH, MAX_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

TOO_DEEP = f"is nested far deeper than {MAX_DEPTH} levels; what comes after it was not examined"

_SPACE = re.compile(r"[ \t\n\r]*")
_NATIVE = '{"events": [{"event_id": "…", "type": "…"}]}'
# Numbers stay text, because Python refuses to convert integers of more than 4,300 digits.
_skipper = json.JSONDecoder(parse_int=str, parse_float=str)


def native_texts(body: bytes) -> list[str]:
    """Cut `{"events": […]}` into the texts of its events; raises `Problem` for what is wrong with the batch itself."""
    cursor = _Cursor.over(body)
    opening = cursor.peek()
    if opening != "{":
        cursor.value()
        cursor.end()
        kind = "an array" if opening == "[" else "not an object"
        errors_of_body = (FieldError(f"must be an object: {_NATIVE}"),)
        raise Problem(
            ProblemType.INVALID_EVENTS, f"The body is {kind}; a batch is an object: {_NATIVE}.", errors_of_body
        )
    texts: list[str] | None = None
    errors: list[FieldError] = []
    for name in cursor.members():
        if name == "events" and cursor.peek() == "[":
            if texts is not None:
                errors.append(FieldError("is there twice", "events"))
            texts = list(cursor.elements())
        else:
            cursor.value()
            why = "must be an array" if name == "events" else "is not a member of a batch; `events` is the only one"
            errors.append(FieldError(why, shown(name)))
    cursor.end()
    if texts is None and not errors:
        errors.append(FieldError("is missing", "events"))
    if errors:
        raise Problem(ProblemType.INVALID_EVENTS, f"The batch is not of the form {_NATIVE}.", tuple(errors))
    return _counted(texts or [])


def array_texts(body: bytes) -> list[str]:
    """Cut an array of events into their texts; raises `Problem`."""
    cursor = _Cursor.over(body)
    if cursor.peek() != "[":
        cursor.value()
        cursor.end()
        errors = (FieldError("must be an array of CloudEvents"),)
        raise Problem(ProblemType.INVALID_EVENTS, "A batch of CloudEvents is an array of them.", errors)
    texts = list(cursor.elements())
    cursor.end()
    return _counted(texts)


def single_text(body: bytes) -> str:
    """Return a body that is one event, or its data, as text; raises `Problem`."""
    cursor = _Cursor.over(body, index=0)
    text = cursor.value()
    cursor.end()
    return text


def check_count(count: int) -> None:
    """Raise `Problem` for a batch without events, or with too many."""
    if count == 0:
        raise Problem(ProblemType.INVALID_EVENTS, "The batch has no events.", (FieldError("is empty", "events"),))
    if count > MAX_EVENTS:
        detail = f"The batch has more than {MAX_EVENTS:,} events; send several."
        errors = (FieldError(f"has {count:,} events", "events"),)
        raise Problem(ProblemType.INVALID_EVENTS, detail, errors, limit="events_per_batch")


def _counted(texts: list[str]) -> list[str]:
    check_count(len(texts))
    return texts


class _Cursor:
    """A place in a text of JSON, which moves on from value to value. Every method may raise `Problem`."""

    def __init__(self, text: str, index: int | None) -> None:
        self._text = text
        self._at = 0
        self._index = index

    @classmethod
    def over(cls, body: bytes, *, index: int | None = None) -> _Cursor:
        """Begin at the start of a body, which must be UTF-8."""
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            hint = " It looks like UTF-16." if body[:2] in {b"\xff\xfe", b"\xfe\xff"} else ""
            raise Problem(ProblemType.MALFORMED_JSON, f"Byte {error.start} is not UTF-8.{hint}") from None
        if text.startswith("\ufeff"):
            raise Problem(ProblemType.MALFORMED_JSON, "The body begins with a byte order mark; send it without.")
        if not text.strip(" \t\n\r"):
            raise Problem(ProblemType.MALFORMED_JSON, "The body is empty.")
        return cls(text, index)

    def peek(self) -> str:
        """Return the next character that is not white space; empty at the end."""
        self._at = self._after_space(self._at)
        return self._text[self._at : self._at + 1]

    def value(self) -> str:
        """Pass one value, and return its text."""
        self.peek()
        start = self._at
        try:
            _, self._at = _skipper.raw_decode(self._text, start)
        except json.JSONDecodeError as error:
            raise self._malformed(error.msg, error.pos) from None
        except RecursionError:
            errors = (FieldError(TOO_DEEP, index=self._index),)
            raise Problem(ProblemType.INVALID_EVENTS, "The body is nested too deep.", errors) from None
        return self._text[start : self._at]

    def members(self) -> Iterator[str]:
        """Give the name of each member of an object; the caller passes its value."""
        self._take("{")
        if self.peek() != "}":
            while True:
                name = json.loads(self._string())
                self._take(":")
                yield name
                if self.peek() != ",":
                    break
                self._take(",")
        self._take("}")

    def elements(self) -> Iterator[str]:
        """Give the text of each element of an array; more than `MAX_EVENTS` are a problem."""
        self._take("[")
        if self.peek() != "]":
            self._index = 0
            while True:
                yield self.value()
                if self.peek() != ",":
                    break
                self._take(",")
                self._index += 1
                check_count(self._index + 1)
        self._index = None
        self._take("]")

    def end(self) -> None:
        """Nothing may follow."""
        if self.peek():
            raise self._malformed("the document has ended, and something follows", self._at)

    def _take(self, expected: str) -> None:
        if self.peek() != expected:
            raise self._malformed(f"Expecting {expected!r}", self._at)
        self._at += 1

    def _string(self) -> str:
        if self.peek() != '"':
            raise self._malformed("Expecting property name enclosed in double quotes", self._at)
        return self.value()

    def _after_space(self, at: int) -> int:
        space = _SPACE.match(self._text, at)
        return at if space is None else space.end()

    def _malformed(self, what: str, at: int) -> Problem:
        error = json.JSONDecodeError(what, self._text, at)
        return Problem(ProblemType.MALFORMED_JSON, f"Line {error.lineno}, column {error.colno}: {what}.")
