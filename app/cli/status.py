"""`slipstream status`: the public status page as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.options import with_settings

if TYPE_CHECKING:
    from app.core.settings import Settings


@click.group("status")
def group() -> None:
    """The public status page."""


@group.command("export")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@with_settings
def export_status(settings: Settings, directory: Path) -> None:
    """Write the page, its JSON, its feed and its badges into DIRECTORY, for any web server to serve."""
    from app.core.database import Database  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.core.valkey import Valkey  # noqa: PLC0415
    from app.status_composition import page_maker  # noqa: PLC0415
    from dashboards.status.disk import write  # noqa: PLC0415

    database = Database(settings.database_url, pool_size=1, name="slipstream status")
    try:
        copy = page_maker(settings, database, Valkey(settings.redis_url))()
    finally:
        database.close()
    write(copy, directory)
    click.echo(f"{len(copy.files)} files in {directory}")
