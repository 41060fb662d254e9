"""`slipstream telemetry`: import files of requests that other services answered."""

from __future__ import annotations

import zlib
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from app.cli.files import is_gzipped, open_lines, progress_bar
from app.cli.options import json_option, print_json, with_settings

if TYPE_CHECKING:
    from app.core.settings import Settings
    from ingestion.telemetry.importer import Imported

_PATIENCE_MS = 60_000
"""A piece of a file is thousands of rows, and nobody waits for an answer."""


@click.group("telemetry")
def group() -> None:
    """Telemetry of services, so that they can have SLOs."""


@group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "kind",
    required=True,
    type=click.Choice(["combined", "ndjson", "csv"]),
    help="combined: Apache's and nginx's log, with the request's time in seconds at its end or without. "
    "ndjson, csv: the fields of POST /telemetry.",
)
@click.option("--service", required=True, help="The service that answered the requests.")
@click.option(
    "--account", "account_id", help="The account whose service it is, if it is new. Default: the operator's own."
)
@click.option("--file-id", help="A name for the file, where another one begins with the same record.")
@click.option(
    "--finished",
    is_flag=True,
    help="The file grows no more: count its last line also if it has no end. Gzipped files are.",
)
@click.option(
    "--shift-to-now", is_flag=True, help="Move all times by so many minutes that the last request is in this one."
)
@json_option
@with_settings
def import_file(
    file: Path,
    *,
    kind: str,
    service: str,
    account_id: str | None,
    file_id: str | None,
    finished: bool,
    shift_to_now: bool,
    as_json: bool,
    settings: Settings,
) -> None:
    """Count the requests of FILE (may be gzipped) for a service.

    Repeated, resumed after a crash, under another name or with more at its end: every line counts once. Equal lines are
    different requests. Lines that cannot be read are shown and passed over.
    """
    from app.core.accounts_store import find as find_account  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.core.database import Database  # noqa: PLC0415
    from app.named_routes import NamedRoutes  # noqa: PLC0415
    from ingestion.telemetry.formats import BadFileError, Format  # noqa: PLC0415
    from ingestion.telemetry.importer import Importer, Source  # noqa: PLC0415
    from ingestion.telemetry.records import SERVICE_NAME  # noqa: PLC0415
    from ingestion.telemetry.services import Services  # noqa: PLC0415
    from reporting.catalogue.catalogue import Catalogue  # noqa: PLC0415

    if not SERVICE_NAME.fullmatch(service):
        raise click.UsageError(f"{service!r} cannot be the name of a service: use letters, digits, dots and dashes.")
    database = Database(
        settings.database_url,
        statement_timeout_ms=_PATIENCE_MS,
        lock_timeout_ms=_PATIENCE_MS,
        name="slipstream import",
    )
    with ExitStack() as opened, progress_bar("importing", file.stat().st_size) as advance:
        opened.callback(database.close)
        if account_id is not None:
            with database.begin() as connection:
                if find_account(connection, account_id) is None:
                    raise click.UsageError(f"There is no account {account_id}.")
        raw: list[BinaryIO] = []

        def open_file() -> BinaryIO:
            position, lines = opened.enter_context(open_lines(file))
            raw.append(position)
            return lines

        source = Source(
            name=str(file),
            open=open_file,
            format=Format(kind),
            service=service,
            account_id=account_id,
            file_id=file_id,
            finished=finished or is_gzipped(file),
            shift_to_now=shift_to_now,
        )
        named_routes = NamedRoutes(Catalogue(database).in_force)
        named_routes.look()
        importer = Importer(database, Services(named_routes))
        try:
            imported = importer.run(source, datetime.now(UTC), watch=lambda: advance(raw[-1].tell()))
        except (BadFileError, EOFError, OSError, zlib.error) as error:
            raise click.ClickException(f"{file}: {error}") from error
    _report(imported, as_json=as_json)


def _report(imported: Imported, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(imported))
        return
    for bad in imported.bad:
        click.echo(f"line {bad.number}: {bad.why}: {bad.text}", err=True)
    if imported.bad_lines > len(imported.bad):
        click.echo(f"… and {imported.bad_lines - len(imported.bad):,} more", err=True)
    if imported.skipped_bytes:
        click.echo(f"{imported.skipped_bytes:,} bytes had been imported before")
    if imported.unfinished_bytes:
        click.echo(
            f"its last line has no end yet ({imported.unfinished_bytes:,} bytes) and waits for it; see --finished"
        )
    if imported.shift_minutes:
        click.echo(f"times are moved by {imported.shift_minutes:,} minutes")
    click.echo(f"{imported.requests:,} requests in {imported.lines:,} lines, {imported.bad_lines:,} bad")
