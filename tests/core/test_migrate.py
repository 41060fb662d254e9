from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.core.errors import DependencyUnavailableError
from app.core.migrate import (
    DowngradeError,
    MigrationError,
    locked_connection,
    migrate,
    schema_differences,
)
from app.core.schema_store import current_revision, head_revision

if TYPE_CHECKING:
    from app.core.database import Database


def tables(database: Database) -> set[str]:
    with database.begin() as connection:
        return set(connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))


def test_downgrading_to_base_leaves_no_table_and_upgrading_again_leaves_no_difference(
    database: Database, database_url: str
) -> None:
    assert migrate(database_url, "base", may_drop=True) is None
    assert tables(database) == {"alembic_version"}

    assert migrate(database_url) == head_revision()
    with database.begin() as connection:
        assert schema_differences(connection) == []


def test_every_revision_can_be_left_downwards_and_upwards_by_itself(database: Database, database_url: str) -> None:
    migrate(database_url, "base", may_drop=True)
    for number in range(1, int(head_revision() or "") + 1):
        assert migrate(database_url, f"{number:04d}") == f"{number:04d}"
        before = tables(database)
        migrate(database_url, f"{number - 1:04d}" if number > 1 else "base", may_drop=True)
        assert migrate(database_url, f"{number:04d}") == f"{number:04d}"
        assert tables(database) == before


def test_migrating_a_database_at_head_changes_nothing(database_url: str) -> None:
    assert migrate(database_url) == head_revision()


@pytest.mark.parametrize("revision", ["9999", "nonsense", ""])
def test_an_unknown_revision_is_refused_and_changes_nothing(
    database: Database, database_url: str, revision: str
) -> None:
    with pytest.raises(MigrationError):
        migrate(database_url, revision)

    with database.begin() as connection:
        assert current_revision(connection) == head_revision()


def test_nothing_is_dropped_unless_it_is_said_that_it_may(database: Database, database_url: str) -> None:
    before = tables(database)

    with pytest.raises(DowngradeError, match="drops tables"):
        migrate(database_url, "0001")

    assert tables(database) == before


def test_a_database_of_a_newer_release_is_left_alone(database: Database, database_url: str) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(MigrationError):
        migrate(database_url)

    assert "accounts" in tables(database)


def test_processes_that_migrate_at_once_all_end_at_head(database: Database, database_url: str) -> None:
    migrate(database_url, "base", may_drop=True)
    program = "import sys; from app.core.migrate import migrate; print(migrate(sys.argv[1]))"

    # All of them have started and wait before any may go on.
    with locked_connection(database_url):
        twins = [
            subprocess.Popen([sys.executable, "-c", program, database_url], stdout=subprocess.PIPE, text=True)
            for _ in range(3)
        ]
        wait_until_blocked(database, sessions=len(twins))
    answers = [twin.communicate()[0].strip() for twin in twins]

    assert answers == [head_revision()] * len(twins)
    assert [twin.returncode for twin in twins] == [0] * len(twins)


def wait_until_blocked(database: Database, *, sessions: int) -> None:
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
    while True:
        with database.begin() as connection:
            if connection.scalar(text(blocked)) == sessions:
                return
            connection.execute(text("SELECT pg_sleep(0.02)"))


@pytest.mark.embedded
def test_a_table_that_stays_locked_is_given_up_and_nothing_has_changed(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.migrate._LOCK_TIMEOUT_MS", 50)
    before = tables(database)

    with database.begin() as connection:
        connection.execute(text("LOCK TABLE tiers IN ACCESS SHARE MODE"))
        with pytest.raises(Exception, match="55P03"):
            migrate(database_url, "base", may_drop=True)

    assert tables(database) == before


def test_a_server_that_is_not_there_is_said_to_be_unavailable(tmp_path: object) -> None:
    with pytest.raises(DependencyUnavailableError):
        migrate(f"postgresql://nobody@/none?host={tmp_path}")


def test_no_statistics_are_kept_of_payloads(database: Database) -> None:
    columns = text(
        "SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
        "WHERE relname LIKE 'events%' AND relkind IN ('r', 'p') AND attnum > 0 AND attstattarget = 0"
    )
    with database.begin() as connection:
        found = {(table, column) for table, column in connection.execute(columns)}

    partitions = {"events", *(f"events_p{number:02d}" for number in range(16))}
    assert found == {(table, column) for table in partitions for column in ("payload", "envelope")}
