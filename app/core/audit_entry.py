"""One line of the record of changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and the address and the request it comes from.

    `name` is a username, a key (`acme/<key id>`), `operator`, `link`, or `cli:<user of the machine>`.
    """

    name: str
    address: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One row of the record; `entry_id` counts up."""

    at: datetime
    actor: Actor
    action: str
    subject: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    entry_id: int = 0
