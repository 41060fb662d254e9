"""One line of the record of changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.domain.shards import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

OF_PEOPLE = ("users.", "sessions.")
"""How actions begin whose subjects are people, and no accounts, whatever they are called."""


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

    @property
    def accounts(self) -> frozenset[str]:
        """Whom the entry may be about: what is the id of an account, or could be, in the subject (`acme/<key id>`) or as `account_id`."""
        if self.action.startswith(OF_PEOPLE):
            return frozenset()
        named = (self.subject.partition("/")[0], self.detail.get("account_id"))
        return frozenset(name for name in named if isinstance(name, str) and ACCOUNT_ID.fullmatch(name))
