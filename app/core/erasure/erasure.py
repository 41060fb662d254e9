"""The erasure of an account: what is known of it, and how the account is called meanwhile and afterwards."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING

from app.core.erasure.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

ID_LETTERS = 16
ERASURE_ID = re.compile(f"[0-9a-f]{{{ID_LETTERS}}}")


class State(StrEnum):
    """How far it is."""

    CLOSED = "closed"
    """Nobody is let in; what it has stored is being deleted, once its queue is empty."""
    SETTLING = "settling"
    """Everything was deleted; what was being written meanwhile is looked for after a while."""
    DONE = "done"
    """Nothing was left to find."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """`account_id` is None and `words`, `labels` and `services` are empty once it is done; `counts` has the rows deleted or changed by table."""

    digest: bytes
    account_id: str | None
    words: tuple[str, ...]
    labels: tuple[str, ...]
    services: tuple[str, ...]
    requested_by: str
    requested_at: datetime
    purged_at: datetime | None
    done_at: datetime | None
    counts: Mapping[str, int]

    @property
    def erasure_id(self) -> str:
        """Its name, which says nothing of the account's."""
        return erasure_id(self.digest)

    @property
    def state(self) -> State:
        if self.done_at is not None:
            return State.DONE
        return State.CLOSED if self.purged_at is None else State.SETTLING

    @property
    def names(self) -> Words:
        """What is replaced in texts. Raises `LookupError` once it is done."""
        if self.account_id is None:
            raise LookupError("what was erased has no name")
        return Words((self.account_id, *self.words), stand_in(self.digest), self.labels)


def digest_of(key: bytes, account_id: str) -> bytes:
    """Return what stands for an id that must not be known: ids are short, so that a hash without a key could be guessed."""
    return hmac.digest(key, account_id.encode(), sha256)


def erasure_id(digest: bytes) -> str:
    return digest.hex()[:ID_LETTERS]


def stand_in(digest: bytes) -> str:
    """Return what stands in texts for the account; no account can be called so."""
    return f"erased:{erasure_id(digest)}"
