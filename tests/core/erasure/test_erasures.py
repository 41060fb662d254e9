"""A list of erasures outlives the database that it is of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.core.accounts_service import NewAccount
from app.core.erasure import erasures_store
from app.core.erasure.erasure import State
from app.core.erasure.erasures import Erasures
from app.core.erasure.erasures_file import UnreadableFileError, read, write
from app.core.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from app.core.accounts_service import Accounts
    from app.core.database import Database
    from app.core.mirror import AccountMirror
    from tests.conftest import World

NOW = datetime.now(UTC)


@pytest.fixture
def erasures(database: Database, mirror: AccountMirror) -> Erasures:
    return Erasures(database, mirror)


def test_accounts_that_a_backup_brings_back_are_erased_again(
    erasures: Erasures, accounts: Accounts, database: Database, world: World, tmp_path: Path
) -> None:
    begun = [erasures.begin(each, by="operator", now=NOW) for each in ("acme", "bolt")]
    file = tmp_path / "erasures.json"
    write(file, erasures.key(NOW), erasures.every())
    with database.begin() as connection:  # A backup from before both, in which `bolt` was not there yet.
        connection.execute(text("DELETE FROM erasures"))
        connection.execute(text("DELETE FROM signing_keys"))
    accounts.create(NewAccount(account_id="acme", name="Acme", tier="free"), NOW)

    copy = read(file)
    again = erasures.apply_again(copy.key, copy.records(), by="restore", now=NOW)

    assert [each.erasure_id for each in again] == [begun[0].erasure_id]
    assert {each.erasure_id: each.state for each in erasures.every()} == {
        begun[0].erasure_id: State.CLOSED,
        begun[1].erasure_id: State.DONE,
    }
    assert [each.account_id for each in accounts.page()] == ["corner"]
    with pytest.raises(Problem, match="never given again"):
        accounts.create(NewAccount(account_id="bolt", name="Bolt", tier="free"), NOW)


def test_a_copy_says_nothing_of_names_and_is_for_its_owner_alone(
    erasures: Erasures, world: World, tmp_path: Path
) -> None:
    begun = erasures.begin("acme", by="acme/k3y", now=NOW)
    file = tmp_path / "erasures.json"

    write(file, erasures.key(NOW), [begun])

    assert "acme" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_an_erasure_that_is_asked_for_again_while_it_ends_does_not_end(
    erasures: Erasures, database: Database, world: World
) -> None:
    digest = erasures.begin("acme", by="operator", now=NOW).digest
    with database.begin() as connection:
        erasures_store.note_purged(connection, digest, NOW)
        read = erasures_store.find(connection, digest)
    assert read is not None

    erasures.begin("acme", by="operator", now=NOW)

    with database.begin() as connection:
        assert not erasures_store.finish(connection, read, "operator", NOW)
    assert [each.state for each in erasures.every()] == [State.CLOSED]


def test_names_that_stand_in_every_text_are_no_words_of_an_erasure(
    erasures: Erasures, accounts: Accounts, world: World
) -> None:
    for number, name in enumerate((".", "Acme Ltd.")):
        accounts.create(NewAccount(account_id=f"zz{number}", name=name, tier="free"), NOW)

    assert [erasures.begin(f"zz{number}", by="operator", now=NOW).words for number in range(2)] == [(), ("Acme Ltd.",)]


def test_a_copy_of_another_installation_is_refused(erasures: Erasures, world: World, tmp_path: Path) -> None:
    erasures.begin("acme", by="operator", now=NOW)

    with pytest.raises(Problem, match="another installation"):
        erasures.apply_again(b"another key", [], by="restore", now=NOW)
    (tmp_path / "torn").write_text('{"format": 1')
    with pytest.raises(UnreadableFileError):
        read(tmp_path / "torn")


def test_a_copy_may_be_of_more_erasures_than_one_statement_takes(erasures: Erasures, world: World) -> None:
    begun = erasures.begin("acme", by="operator", now=NOW)
    done = replace(begun, account_id=None, words=(), done_at=NOW)
    many = [replace(done, digest=number.to_bytes(8) * 4) for number in range(8_200)]

    assert erasures.apply_again(erasures.key(NOW), many, by="restore", now=NOW) == []

    assert len(erasures.every()) == 8_201
