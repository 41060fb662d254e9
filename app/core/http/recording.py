"""What changes something leaves a line in the record: which one stands beside the view, and the guard writes it.

An app with a view that may change something and says neither what that is called nor where else it is recorded is not built.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

import msgspec
from flask import g, request

from app.core.audit_entry import Actor
from app.core.http.body import read_body
from app.core.http.json_body import LARGEST_JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from app.core.audit import Audit
    from app.core.http.addresses import ClientAddresses

P = ParamSpec("P")
R = TypeVar("R")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LINK = "link"
"""Who acts by a signed link in a message: nobody has asked for his name."""
_LONGEST = 200
_MOST = 20


class Recorder(Protocol):
    """Records a change of this request before it is made, and behind it when it was refused."""

    def change(self, name: str, action: str, subject: str, /, **detail: Any) -> AbstractContextManager[None]: ...


class ChangeRecord:
    """Thread-safe. Raises `DependencyError` when it cannot be written: then the change is not made."""

    def __init__(self, audit: Audit, addresses: ClientAddresses) -> None:
        self._audit = audit
        self._addresses = addresses

    def change(self, name: str, action: str, subject: str, /, **detail: Any) -> AbstractContextManager[None]:
        """Record what somebody changes; `name` is a key's id or who else it is, never a secret."""
        address = self._addresses.firmly(request.environ) or request.environ.get("REMOTE_ADDR", "")
        actor = Actor(name, address, g.get("request_id", ""))
        return self._audit.change(actor, action, subject, now=datetime.now(UTC), **detail)


class NoRecord:
    """Records nothing."""

    def change(self, name: str, action: str, subject: str, /, **detail: Any) -> AbstractContextManager[None]:  # noqa: ARG002 - A twin has the same face.
        """Record nothing."""
        return nullcontext()


NO_RECORD = NoRecord()


@dataclass(frozen=True, slots=True)
class Change:
    """How a change is recorded.

    `subject` and `detail` are names of variables of the route, of parameters of the address, or of fields of a body of
    JSON; `otherwise` is the subject where that is not given. Where nothing sent tells it, a function does; None from it says
    that this request changes nothing.
    """

    action: str
    subject: str | Callable[[], str | None]
    detail: tuple[str, ...]
    otherwise: str = ""

    def of_request(self, variables: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """Return the subject and the detail of the request at hand, as it was sent. Raises `Problem` as `read_body` does."""
        known = {**_body(), **request.args.to_dict(), **variables}
        subject = self.subject() if callable(self.subject) else known.get(self.subject) or self.otherwise
        if subject is None:
            return None
        return str(_plain(subject)), {name: _plain(known[name]) for name in self.detail if name in known}


def changes(
    action: str, subject: str | Callable[[], str | None], *detail: str, otherwise: str = ""
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Say what a view changes, for the guard to record. Name no field that holds a secret."""
    return lambda view: _marked(view, Change(action, subject, detail, otherwise))


def recorded_otherwise(how: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Say where it is known what this view did, when that is not the guard's affair."""
    return lambda view: _marked(view, how)


def change_of(view: Callable[..., Any]) -> Change | str | None:
    """Return what a view says of its changes; a text when others record them."""
    change: Change | str | None = getattr(view, "change", None)
    return change


def _marked(view: Callable[P, R], change: Change | str) -> Callable[P, R]:
    view.change = change  # type: ignore[attr-defined]  # A function has no declared attributes.
    return view


def _body() -> dict[str, Any]:
    """Return the fields of the body, which the view reads once more: what is wrong with them is its affair."""
    try:
        body = msgspec.json.decode(read_body(request, limit=LARGEST_JSON))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _plain(value: Any) -> Any:
    """Return something short that PostgreSQL can keep: it was sent by somebody, and is not checked yet."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, list):
        return [_plain(each) for each in value[:_MOST]]
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
