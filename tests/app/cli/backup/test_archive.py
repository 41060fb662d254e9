"""What is between the copy of the queue and the database's must be in one of them, and comes back once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from app.cli.backup import archive, queue_copy
from app.cli.backup.archive import BackupError, backup, restore
from app.cli.backup.tools import libpq_environment
from app.core.database import Database
from ingestion.balance import balance
from ingestion.reading import read_entry
from ingestion.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient

    from app.core.valkey import Valkey
    from app.embedded.instance import Instance


@pytest.fixture
def elsewhere(engines: Instance) -> Iterator[str]:
    """An empty database."""
    name = sql.Identifier("test_restored")
    with psycopg.connect(engines.postgres.url("postgres", superuser=True), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER slipstream").format(name))
        yield engines.postgres.url("test_restored")
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def post(client: FlaskClient, key: str, *event_ids: str, **headers: str) -> str:
    events = [{"event_id": event_id, "type": "x", "payload": {"n": 1}} for event_id in event_ids]
    answer = client.post("/events", json={"events": events}, headers={"Authorization": f"Bearer {key}", **headers})
    assert answer.status_code == 202
    return str(answer.json["batch_id"])


class Worker:
    """Stores what waits, as a worker does."""

    def __init__(self, database: Database, valkey: Valkey, path: Path) -> None:
        self._writer = Writer(database, statement_events=5_000, clock=lambda: datetime.now(UTC))
        self._valkey = valkey
        self._path = path

    def store(self, *, settle: bool) -> None:
        with self._path.open("wb") as file:
            queue_copy.save(self._valkey, file)
        with self._path.open("rb") as file:
            self._writer.store([read_entry(queued.entry) for queued in queue_copy.read(file)])
        if settle:
            self._valkey.execute("FLUSHALL")


@pytest.fixture
def worker(database: Database, valkey: Valkey, tmp_path: Path) -> Worker:
    return Worker(database, valkey, tmp_path / "worker")


@pytest.mark.parametrize("settle", [True, False], ids=["and acknowledged", "but not acknowledged"])
def test_what_is_stored_while_the_backup_is_taken_is_in_it_once(
    client: FlaskClient, world: Any, valkey: Valkey, worker: Worker, settings: Any, elsewhere: str, tmp_path: Path, *, settle: bool
) -> None:  # fmt: skip
    post(client, world.alice.key, "stored-before")
    worker.store(settle=False)
    post(client, world.alice.key, "in-between-1", "in-between-2", **{"Idempotency-Key": "k"})
    post(client, world.bob.key, "in-between-3")
    steps = []

    def say(step: str) -> None:
        steps.append(step)
        if len(steps) == 2:
            worker.store(settle=settle)

    backup(tmp_path / "copy", database_url=settings.database_url, valkey=valkey, say=say)
    valkey.execute("FLUSHALL")

    restore(tmp_path / "copy", database_url=elsewhere, valkey=valkey, say=steps.append)

    restored = Database(elsewhere, pool_size=1)
    books = balance(restored, valkey)
    Worker(restored, valkey, tmp_path / "worker").store(settle=False)
    with restored.begin() as connection:
        stored = connection.exec_driver_sql("SELECT event_id FROM events ORDER BY 1").scalars().all()
    restored.close()
    assert stored == ["in-between-1", "in-between-2", "in-between-3", "stored-before"]
    assert (books.accepted, books.stored, books.in_flight, books.missing) == (4, 4, 0, 0)


def test_what_was_only_queued_comes_back_with_its_batch_id_and_its_answer(
    client: FlaskClient, world: Any, valkey: Valkey, database: Database, settings: Any, elsewhere: str, tmp_path: Path
) -> None:
    batch_id = post(client, world.alice.key, "1", "2", **{"Idempotency-Key": "k"})
    with (tmp_path / "before").open("wb") as file:
        queue_copy.save(valkey, file)
    backup(tmp_path / "copy", database_url=settings.database_url, valkey=valkey, say=len)
    valkey.execute("FLUSHALL")

    restore(tmp_path / "copy", database_url=elsewhere, valkey=valkey, say=len)

    with (tmp_path / "after").open("wb") as file:
        assert queue_copy.save(valkey, file) == (1, 2)
    assert (tmp_path / "after").read_bytes() == (tmp_path / "before").read_bytes()
    with (tmp_path / "after").open("rb") as file:
        (queued,) = queue_copy.read(file)
    assert queued.entry.batch_id == batch_id
    assert queued.answer
    restored = Database(elsewhere, pool_size=1)
    books = balance(restored, valkey)
    restored.close()
    assert (books.accepted, books.in_flight, books.missing) == (2, 2, 0)


def test_a_restore_needs_empty_stores(
    client: FlaskClient, world: Any, valkey: Valkey, settings: Any, elsewhere: str, tmp_path: Path
) -> None:
    post(client, world.alice.key, "1")
    backup(tmp_path / "copy", database_url=settings.database_url, valkey=valkey, say=len)

    with pytest.raises(BackupError, match=r"Valkey is not empty.*FLUSHALL"):
        restore(tmp_path / "copy", database_url=elsewhere, valkey=valkey, say=len)
    valkey.execute("FLUSHALL")
    with pytest.raises(BackupError, match=r"database is not empty.*drop the database"):
        restore(tmp_path / "copy", database_url=settings.database_url, valkey=valkey, say=len)


def test_a_queue_that_was_drained_is_not_empty(
    client: FlaskClient, world: Any, valkey: Valkey, settings: Any, elsewhere: str, tmp_path: Path
) -> None:
    post(client, world.alice.key, "1")
    backup(tmp_path / "copy", database_url=settings.database_url, valkey=valkey, say=len)
    post(client, world.alice.key, "2")
    drain(valkey)
    assert queue_copy.queued(valkey).entries == 0

    with pytest.raises(BackupError, match="Valkey is not empty, though its queue may be"):
        restore(tmp_path / "copy", database_url=elsewhere, valkey=valkey, say=len)


def drain(valkey: Valkey) -> None:
    """Leave nothing but streams without entries, which remember their last ids."""
    streams = waiting(valkey)
    for stream in streams:
        valkey.execute("XTRIM", stream, "MAXLEN", 0)
    for key in names(valkey, "*"):
        if key not in streams:
            valkey.execute("DEL", key)


def waiting(valkey: Valkey) -> list[bytes]:
    """The streams with entries."""
    return [key for key in names(valkey, "*:q:*") if valkey.execute("XLEN", key)]


def names(valkey: Valkey, pattern: str) -> set[bytes]:
    return {name for page in valkey.scan(pattern, at_once=1_000) for name in page}


@pytest.mark.parametrize("again", ["later", "elsewhere"])
def test_a_restore_that_fails_says_what_to_do_and_then_comes_about(
    client: FlaskClient, world: Any, valkey: Valkey, settings: Any, elsewhere: str, tmp_path: Path, again: str
) -> None:
    post(client, world.alice.key, "1", "2")
    (stream,) = waiting(valkey)
    backup(tmp_path / "copy", database_url=settings.database_url, valkey=valkey, say=len)
    valkey.execute("FLUSHALL")

    def interfere(step: str) -> None:
        if step == "Restoring the queue":
            where = stream if again == "later" else b"{s15}:q:low"
            valkey.execute("XADD", where, "*", "v", "1")

    said = {
        "later": "smaller than the target stream",
        "elsewhere": "2 events in 1 batches in the queue, and there are 2 in 2",
    }
    with pytest.raises(BackupError, match=rf"(?s){said[again]}.*is not complete.*FLUSHALL.*once more"):
        restore(tmp_path / "copy", database_url=elsewhere, valkey=valkey, say=interfere)

    valkey.execute("FLUSHALL")
    with psycopg.connect(elsewhere) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    restore(tmp_path / "copy", database_url=elsewhere, valkey=valkey, say=len)
    assert queue_copy.queued(valkey) == (1, 2)


@pytest.mark.parametrize("name", [archive.DATABASE, archive.QUEUE])
def test_a_backup_that_was_changed_is_refused_before_anything_is_written(
    valkey: Valkey, settings: Any, elsewhere: str, tmp_path: Path, name: str
) -> None:
    backup(tmp_path / "copy", database_url=settings.database_url, valkey=valkey, say=len)
    with (tmp_path / "copy" / name).open("ab") as file:
        file.write(b"x")

    with pytest.raises(BackupError, match="not as it was written"):
        restore(tmp_path / "copy", database_url=elsewhere, valkey=valkey, say=len)

    (tmp_path / "copy" / name).unlink()
    with pytest.raises(BackupError, match="is no backup"):
        archive.verify(tmp_path / "copy")


def test_nothing_is_written_over(valkey: Valkey, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()

    with pytest.raises(BackupError, match="exists already"):
        backup(tmp_path / "copy", database_url=settings.database_url, valkey=valkey, say=len)


def test_what_is_on_several_nodes_is_not_dumped(
    engines: Instance, valkey: Valkey, elsewhere: str, tmp_path: Path
) -> None:
    name = make_url(elsewhere).database or ""
    with psycopg.connect(engines.postgres.url(name, superuser=True)) as connection:
        # Citus itself is not here; that it is installed is a row.
        connection.execute("SET allow_system_table_mods = on")
        connection.execute(
            "INSERT INTO pg_extension SELECT 4711, 'citus', extowner, extnamespace, false, '13.2-1' FROM pg_extension LIMIT 1"
        )

    with pytest.raises(BackupError, match="citus_create_restore_point"):
        backup(tmp_path / "copy", database_url=elsewhere, valkey=valkey, say=len)

    assert not list(tmp_path.iterdir())


def test_a_backup_that_fails_leaves_nothing(valkey: Valkey, elsewhere: str, tmp_path: Path) -> None:
    with pytest.raises(psycopg.Error):
        archive.backup(tmp_path / "copy", database_url=elsewhere, valkey=valkey, say=len)

    assert not list(tmp_path.iterdir())


def test_a_password_goes_by_the_environment() -> None:
    url = "postgresql+psycopg://me:s%20cret@/db?host=/run/x"

    assert libpq_environment(url) == {"PGHOST": "/run/x", "PGUSER": "me", "PGPASSWORD": "s cret", "PGDATABASE": "db"}
