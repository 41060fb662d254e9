"""Pages that are sorted by an instant and an id: where one ends, and the next begins."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from app.core.http.paging import Paging, read_cursor, write_cursor
from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_ON_A_PAGE = 200
Place = tuple[datetime, str]
_PAGING = Paging(usual=50, most=MOST_ON_A_PAGE)
_ID = re.compile(r"[a-z0-9_]{1,64}")

LIMIT = _PAGING.parameter
read_limit = _PAGING.limit


def write_place(place: Place) -> str:
    """Return a place as the `next` of a page."""
    return write_cursor(place)


def read_place(text: str | None) -> Place | None:
    """Read the parameter `after`; raises `Problem`."""
    return read_cursor(text, tuple[datetime, str], _possible)


def _possible(place: Place) -> Place:
    at, name = place
    if at.tzinfo is None or not _ID.fullmatch(name):
        raise ValueError(name)
    return place


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
