"""A request's JSON as a value of a declared type, or a problem that names the field."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import msgspec

from app.core.http.body import read_body
from app.core.problems import FieldError, Problem, ProblemType

if TYPE_CHECKING:
    from flask import Request

T = TypeVar("T")

LARGEST_JSON = 1_000_000
"""Bytes; what operators send is a few hundred."""

_PLACE = re.compile(r" - at `\$\.?(.*)`$", re.DOTALL)
_NAMED = re.compile(r" field `(.*)`$", re.DOTALL)


def read_json(request: Request, shape: type[T], *, empty: bytes | None = None) -> T:
    """Return the body as `shape`; one that is missing is read as `empty`, if that is given.

    Raises `Problem`: 400 when it is not JSON, 415 when it says that it is something else, 422 when it is not of that shape,
    and those of `read_body`.
    """
    body = read_body(request, limit=LARGEST_JSON)
    if not body and empty is not None:
        body = empty
    elif request.mimetype not in {"", "application/json"} or request.content_encoding:
        detail = "Send `Content-Type: application/json`, without a Content-Encoding."
        raise Problem(ProblemType.UNSUPPORTED_MEDIA_TYPE, detail)
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem(ProblemType.MALFORMED_JSON, "The body is not JSON in UTF-8.") from None


def _invalid(message: str) -> Problem:
    """Take the field out of msgspec's sentence, such as "Expected `int`, got `str` - at `$.overrides.daily_quota`"."""
    place = _PLACE.search(message)
    detail = message[: place.start()] if place else message
    named = _NAMED.search(detail)
    parts = [place.group(1) if place else "", named.group(1) if named else ""]
    field = ".".join(filter(None, parts)).replace("[...]", "") or None
    return Problem(ProblemType.INVALID_REQUEST, "The body is not valid.", (FieldError(f"{detail}.", field=field),))
