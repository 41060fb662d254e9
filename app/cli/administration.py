"""The use cases of accounts and keys, on the stores that settings name."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.accounts_service import Accounts
from app.core.database import Database
from app.core.erasure.erasures import Erasures
from app.core.keys_service import Keys
from app.core.mirror import AccountMirror
from app.core.valkey import Valkey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Administration:
    """What an operator does by hand."""

    accounts: Accounts
    keys: Keys
    erasures: Erasures


@contextmanager
def administration(settings: Settings) -> Iterator[Administration]:
    """Open the stores for one command."""
    database = Database(settings.database_url, pool_size=1, name="slipstream cli")
    valkey = Valkey(settings.redis_url, timeout_s=settings.valkey_timeout_ms / 1_000)
    mirror = AccountMirror(database, valkey)
    try:
        yield Administration(Accounts(database, mirror), Keys(database, mirror), Erasures(database, mirror))
    finally:
        database.close()
        valkey.forget()
