"""Pages that are sorted by an instant and an id: where one ends, and the next begins."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from app.core.http.operations import Parameter
from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_ON_A_PAGE = 200
ON_A_PAGE = 50
Place = tuple[datetime, str]
_ID = re.compile(r"[a-z0-9_]{1,64}")

LIMIT = Parameter(
    name="limit",
    where="query",
    about="How many on a page.",
    schema={"type": "integer", "minimum": 1, "maximum": MOST_ON_A_PAGE, "default": ON_A_PAGE},
)
AFTER = Parameter(name="after", where="query", about="The `next` of the page before.")


def read_limit(text: str | None) -> int:
    """Read the parameter `limit`; raises `Problem`."""
    if text is None:
        return ON_A_PAGE
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(MOST_ON_A_PAGE))
    if not digits or not 1 <= int(text) <= MOST_ON_A_PAGE:
        raise Problem(ProblemType.MALFORMED_REQUEST, f"`limit` is a number from 1 to {MOST_ON_A_PAGE}.")
    return int(text)


def write_place(place: Place) -> str:
    """Return a place as the `next` of a page."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def read_place(text: str | None) -> Place | None:
    """Read the parameter `after`; raises `Problem`."""
    if text is None:
        return None
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        at, name = msgspec.json.decode(decoded, type=tuple[datetime, str])
        if at.tzinfo is None or not _ID.fullmatch(name):
            raise ValueError(text)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise Problem(ProblemType.MALFORMED_REQUEST, "`after` is not the `next` of a page.") from None
    return at, name


def read_id(text: str, what: str) -> str:
    """Read an id from an address; raises `Problem` for one that nothing can have."""
    if not _ID.fullmatch(text):
        raise Problem(ProblemType.NOT_FOUND, f"There is no such {what}.")
    return text


def read_choice(name: str, text: str | None, choices: Iterable[str]) -> str | None:
    """Read a parameter that is one of a few; raises `Problem`."""
    if text is not None and text not in (allowed := list(choices)):
        raise Problem(ProblemType.MALFORMED_REQUEST, f"`{name}` is one of {', '.join(allowed)}.")
    return text


def read_text(name: str, text: str | None) -> str | None:
    """Read a parameter that is a name; raises `Problem` for one that no text of a database is."""
    if text is not None and (not text.isprintable() or len(text) > MOST_ON_A_PAGE):
        raise Problem(ProblemType.MALFORMED_REQUEST, f"`{name}` is a name of at most {MOST_ON_A_PAGE} characters.")
    return text
