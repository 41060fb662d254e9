"""A backup is a directory: PostgreSQL by pg_dump, the queue's entries, and a manifest that says what must be in them.

Everything with a 202 from before the backup began is in it: the queue is copied first, and an event leaves the queue only
once it is committed. It is taken while everything runs, and holds nothing up.
"""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from app.cli.backup import books_store, queue_copy
from app.cli.backup.queue_copy import Copied
from app.cli.backup.tools import require_dump_of, run
from app.core.accepted_minutes import KEPT
from app.core.keyspace import accepted_minutes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.core.queue.entry import Entry
    from app.core.valkey import Valkey

FORMAT = 1
EMPTY = (
    "A backup is restored into a database and a Valkey that hold nothing, while no other process uses them: "
    "stop API and workers, drop the database and create it, empty Valkey (FLUSHALL) or name another one, "
    "and restore once more. With --data, name a new directory."
)
ON_CITUS = (
    "On Citus each node would be dumped by its own moment, and such a backup could not be compared. Copy Valkey's "
    "append-only file first, and then every node by base backups at a restore point (citus_create_restore_point)."
)
MANIFEST, DATABASE, QUEUE = "backup.json", "database.dump", "queue.msgpack"
_NONE = Copied(0, 0)


class BackupError(Exception):
    """A backup cannot be taken or restored; the message says why, and nothing is half done that looks whole."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`counts` are of the very moment that the dump sees."""

    format: int
    taken_at: datetime
    counts: dict[str, int | str]
    queued_batches: int
    queued_events: int
    sha256: dict[str, str]


def backup(directory: Path, *, database_url: str, valkey: Valkey, say: Callable[[str], None]) -> Manifest:
    """Write a backup into a directory that does not exist yet; it appears whole or not at all.

    Raises `BackupError`, `PooledError`, `ToolError`, `DependencyError`, `psycopg.Error`.
    """
    if directory.exists():
        raise BackupError(f"{directory} exists already.")
    with books_store.connect(database_url) as connection:
        if books_store.is_on_citus(connection):
            raise BackupError(ON_CITUS)
        require_dump_of(books_store.server_version(connection))
    draft = directory.with_name(f".{directory.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    try:
        taken_at = datetime.now(UTC)
        say("Copying the queue")
        with (draft / QUEUE).open("xb") as file:
            queued = queue_copy.save(valkey, file)
        say("Dumping PostgreSQL")
        with books_store.connect(database_url) as connection:
            snapshot = books_store.export_snapshot(connection)
            options = ["--format=custom", "--compress=1", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
            run("pg_dump", [*options, f"--file={draft / DATABASE}"], database_url=database_url)
            counts = books_store.counts(connection)
        manifest = Manifest(
            format=FORMAT,
            taken_at=taken_at,
            counts=counts,
            queued_batches=queued.entries,
            queued_events=queued.events,
            sha256={name: _digest(draft / name) for name in (DATABASE, QUEUE)},
        )
        (draft / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        draft.rename(directory)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return manifest


def verify(directory: Path) -> Manifest:
    """Return what a backup says of itself, once its files are found to be those it was made of; raises `BackupError`."""
    try:
        manifest = msgspec.json.decode((directory / MANIFEST).read_bytes(), type=Manifest)
        if manifest.format != FORMAT:
            raise BackupError(f"{directory} has format {manifest.format}, and this version reads {FORMAT}.")
        for name, digest in manifest.sha256.items():
            if _digest(directory / name) != digest:
                raise BackupError(f"{directory / name} is not as it was written.")
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupError(f"{directory} is no backup: {error}") from error
    return manifest


def restore(directory: Path, *, database_url: str, valkey: Valkey, say: Callable[[str], None]) -> Manifest:
    """Bring a backup back into an empty database and an empty Valkey, and compare; raises as `backup` does."""
    say("Comparing the files with the manifest")
    manifest = verify(directory)
    if not queue_copy.is_empty(valkey):
        raise BackupError(f"Valkey is not empty, though its queue may be. {EMPTY}")
    with books_store.connect(database_url) as connection:
        if not books_store.is_empty(connection):
            raise BackupError(f"The database is not empty. {EMPTY}")
    try:
        _bring_back(directory, manifest, database_url, valkey, say)
    except Exception as error:
        raise BackupError(f"{error}\nThe restore is not complete, and cannot be used. {EMPTY}") from error
    return manifest


def _bring_back(
    directory: Path, manifest: Manifest, database_url: str, valkey: Valkey, say: Callable[[str], None]
) -> None:
    say("Restoring PostgreSQL")
    options = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", "--dbname="]
    run("pg_restore", [*options, str(directory / DATABASE)], database_url=database_url)
    with books_store.connect(database_url) as connection:
        found = books_store.counts(connection)
        if found != manifest.counts:
            raise BackupError(f"There should be {manifest.counts}, and there are {found}.")
        say("Restoring the queue")
        for (shard, minute), events in _put_back(directory / QUEUE, connection, valkey, manifest).items():
            valkey.execute("HSET", accepted_minutes(shard), minute, events)


def _put_back(
    file: Path, connection: books_store.Connection, valkey: Valkey, manifest: Manifest
) -> dict[tuple[int, int], int]:
    """Put back what is not settled, and return what was accepted, by shard and minute: what is settled, and that."""
    rows = books_store.accepted(connection, manifest.taken_at - KEPT)
    accepted = {(shard, minute): events for shard, minute, events in rows}
    read, waiting = _NONE, _NONE
    with file.open("rb") as opened:
        for queued in queue_copy.read(opened):
            entry = queued.entry
            read = _with(read, entry)
            if not books_store.settled(connection, entry.owner, entry.batch_id):
                queue_copy.put_back(valkey, queued)
                waiting = _with(waiting, entry)
                minute = (entry.shard, entry.received_ms // 60_000)
                accepted[minute] = accepted.get(minute, 0) + entry.events
    _compare("in the copy of the queue", Copied(manifest.queued_batches, manifest.queued_events), read)
    _compare("in the queue", waiting, queue_copy.queued(valkey))
    return accepted


def _with(copied: Copied, entry: Entry) -> Copied:
    return Copied(copied.entries + 1, copied.events + entry.events)


def _compare(where: str, wanted: Copied, found: Copied) -> None:
    if found != wanted:
        raise BackupError(
            f"There should be {wanted.events} events in {wanted.entries} batches {where}, "
            f"and there are {found.events} in {found.entries}."
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
