"""`slipstream backup` and `slipstream restore`."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import psycopg

from app.cli.backup.archive import BackupError, backup, restore, verify
from app.cli.backup.books_store import PooledError
from app.cli.backup.tools import ToolError
from app.cli.options import json_option, print_json, read_settings, with_settings
from app.core.database import Database
from app.core.erasure.erasures import Erasures
from app.core.erasure.erasures_file import UnreadableFileError, read
from app.core.migrate import migrate
from app.core.mirror import AccountMirror
from app.core.valkey import Valkey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.cli.backup.archive import Manifest
    from app.core.erasure.erasures_file import Copy
    from app.core.settings import Settings

_PATIENCE_S = 30.0
_FAILURES = (BackupError, PooledError, ToolError, psycopg.Error)
_directory = click.argument("directory", type=click.Path(file_okay=False, path_type=Path))


@click.command("backup")
@_directory
@json_option
@with_settings
def take(directory: Path, *, as_json: bool, settings: Settings) -> None:
    """Write everything into DIRECTORY, which is made, while all goes on."""
    try:
        manifest = backup(directory, database_url=settings.database_url, valkey=_valkey(settings), say=_say)
    except _FAILURES as error:
        raise click.ClickException(str(error)) from error
    _show(manifest, f"is in {directory}", as_json=as_json)


@click.command("restore")
@_directory
@click.option(
    "--data",
    "data_dir",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="A new directory for `slipstream up`. Without it the stores are those of the settings.",
)
@click.option(
    "--erasures",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What `slipstream erasures export` wrote last: the accounts in it are erased again.",
)
@click.option("--check", is_flag=True, help="Compare the files with the manifest, and restore nothing.")
@json_option
def bring_back(directory: Path, *, data_dir: Path | None, erasures: Path | None, check: bool, as_json: bool) -> None:
    """Bring DIRECTORY back into an empty database and an empty Valkey, and compare. Start workers afterwards."""
    try:
        if check:
            _show(verify(directory), "is whole", as_json=as_json)
            return
        copy = None if erasures is None else read(erasures)
        with _stores(data_dir) as (database_url, redis_url):
            valkey = Valkey(redis_url, timeout_s=_PATIENCE_S)
            manifest = restore(directory, database_url=database_url, valkey=valkey, say=_say)
            if copy is not None:
                _erase_again(copy, database_url, valkey)
    except (*_FAILURES, UnreadableFileError) as error:
        raise click.ClickException(str(error)) from error
    _show(manifest, "is back, and compared", as_json=as_json)


def _erase_again(copy: Copy, database_url: str, valkey: Valkey) -> None:
    database = Database(database_url, pool_size=1, name="slipstream restore")
    try:
        # The schema of the backup may be older than ours, and older than erasures.
        migrate(database_url)
        ours = Erasures(database, AccountMirror(database, valkey))
        begun = ours.apply_again(copy.key, copy.records(), by="restore", now=datetime.now(UTC))
    finally:
        database.close()
    _say(f"{len(begun):,} accounts were erased after the backup, and are closed again: workers do the rest")


@contextmanager
def _stores(data_dir: Path | None) -> Iterator[tuple[str, str]]:
    """Give the addresses of PostgreSQL and Valkey: those of the settings, or of engines that run for the restore alone."""
    if data_dir is None:
        settings = read_settings(os.environ, None)
        yield settings.database_url, settings.redis_url
        return
    # Only installations that embed the engines have these libraries.
    from app.embedded.instance import Instance  # noqa: PLC0415

    with Instance(data_dir).start() as instance:
        yield instance.database_url, instance.redis_url


def _valkey(settings: Settings) -> Valkey:
    return Valkey(settings.redis_url, timeout_s=_PATIENCE_S)


def _say(step: str) -> None:
    click.echo(f"{step} …", err=True)


def _show(manifest: Manifest, outcome: str, *, as_json: bool) -> None:
    if as_json:
        print_json({name: getattr(manifest, name) for name in manifest.__struct_fields__})
        return
    counts = manifest.counts
    click.echo(
        f"What stood at {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC {outcome}: {counts['events']:,} events of "
        f"{counts['accounts']:,} accounts, {counts['dead_letters']:,} dead letters, and {manifest.queued_events:,} events "
        f"in {manifest.queued_batches:,} batches that were in the queue."
    )
