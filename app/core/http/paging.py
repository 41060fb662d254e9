"""The parameters of pages, which every list takes alike: `limit`, and `after`, which is the `next` of the page before."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import msgspec

from app.core.http.operations import Parameter
from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from collections.abc import Callable

AFTER = Parameter(name="after", where="query", about="The `next` of the page before.")
_Fields = TypeVar("_Fields")
_Place = TypeVar("_Place")


@dataclass(frozen=True, slots=True)
class Paging:
    """How many things a list gives at once: unless it is told, and at most."""

    usual: int
    most: int

    @property
    def parameter(self) -> Parameter:
        """Describe `limit`."""
        schema = {"type": "integer", "minimum": 1, "maximum": self.most, "default": self.usual}
        return Parameter(name="limit", where="query", about="How many on a page.", schema=schema)

    def limit(self, text: str | None) -> int:
        """Read `limit`; raises `Problem`."""
        if text is None:
            return self.usual
        digits = text.isascii() and text.isdigit() and len(text) <= len(str(self.most))
        if not digits or not 1 <= int(text) <= self.most:
            raise Problem(ProblemType.MALFORMED_REQUEST, f"`limit` is a number from 1 to {self.most}.")
        return int(text)


def write_cursor(place: tuple[object, ...]) -> str:
    """Return where a page ends, as its `next`."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def read_cursor(text: str | None, shape: type[_Fields], place: Callable[[_Fields], _Place]) -> _Place | None:
    """Read `after`: a tuple of a shape, of which `place` makes what the list begins behind, or raises `ValueError`.

    Raises `Problem` for what no page ended with.
    """
    if text is None:
        return None
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return place(msgspec.json.decode(decoded, type=shape))
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise Problem(ProblemType.MALFORMED_REQUEST, "`after` is not the `next` of a page.") from None
