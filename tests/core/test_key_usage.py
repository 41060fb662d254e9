from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.core.accounts_service import NewAccount
from app.core.database import Database
from app.core.errors import DependencyUnavailableError
from app.core.key_usage import KeyUsage
from app.core.keys import TENANT_SCOPES

if TYPE_CHECKING:
    from pathlib import Path

    from app.core.accounts_service import Accounts
    from app.core.keys_service import Keys

NOW = datetime.now(UTC)


@pytest.fixture
def key_id(accounts: Accounts, keys: Keys) -> str:
    accounts.create(NewAccount(account_id="acme", name="Acme", tier="standard"), NOW)
    return keys.create("acme", TENANT_SCOPES, now=NOW).key.key_id


def last_used(keys: Keys) -> datetime | None:
    (key,) = keys.of_account("acme")
    return key.last_used_at


def test_a_key_that_was_never_used_says_so(keys: Keys, key_id: str) -> None:
    assert last_used(keys) is None


def test_the_last_of_many_uses_is_written_once_by_the_flush(database: Database, keys: Keys, key_id: str) -> None:
    usage = KeyUsage(database)
    for second in range(5):
        usage.note("acme", key_id, NOW + timedelta(seconds=second))
    assert last_used(keys) is None

    assert usage.flush() == 1

    assert last_used(keys) == NOW + timedelta(seconds=4)
    assert usage.flush() == 0


def test_an_older_use_flushed_later_by_another_process_does_not_count_back(
    database: Database, keys: Keys, key_id: str
) -> None:
    for now in (NOW, NOW - timedelta(hours=1)):
        usage = KeyUsage(database)
        usage.note("acme", key_id, now)
        usage.flush()

    assert last_used(keys) == NOW


def test_a_use_of_a_key_that_is_gone_is_no_error(database: Database, keys: Keys, key_id: str) -> None:
    usage = KeyUsage(database)
    usage.note("acme", key_id, NOW)
    usage.note("nobody", "0" * 12, NOW)

    assert usage.flush() == 2

    assert last_used(keys) == NOW


def test_what_could_not_be_written_is_kept_unless_something_newer_came(database: Database, tmp_path: Path) -> None:
    usage = KeyUsage(Database(f"postgresql://nobody@/none?host={tmp_path}"))
    usage.note("acme", "a" * 12, NOW)
    usage.note("acme", "b" * 12, NOW)

    with pytest.raises(DependencyUnavailableError):
        usage.flush()
    usage.note("acme", "a" * 12, NOW + timedelta(seconds=1))

    assert usage._used == {("acme", "a" * 12): NOW + timedelta(seconds=1), ("acme", "b" * 12): NOW}
