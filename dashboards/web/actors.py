"""Who stands in the record, as people read it: names of users are as they are, everybody else says what he is."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.http.recording import LINK
from app.core.users import OPERATOR

_COMMAND_LINE = "cli:"


@dataclass(frozen=True, slots=True)
class Who:
    """`kind` is empty for somebody who has signed in."""

    name: str
    kind: str = ""


def who(actor: str) -> Who:
    """Return who an actor is; a username has neither a slash nor a colon."""
    if actor.startswith(_COMMAND_LINE):
        return Who(actor.removeprefix(_COMMAND_LINE), "command line")
    if "/" in actor:
        return Who(actor, "API key")
    if actor == OPERATOR:
        return Who(actor, "admin token")
    if actor == LINK:
        return Who("somebody", "by a link")
    return Who(actor)
