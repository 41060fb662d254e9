"""`slipstream migrate`: bring the schema to a revision."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from app.cli.options import with_settings

if TYPE_CHECKING:
    from app.core.settings import Settings


@click.command("migrate")
@click.option("--to", "revision", default="head", show_default=True, metavar="REV", help="Such as 0002, or base.")
@click.option("--yes", is_flag=True, help="Do not ask before going down, which drops tables with all that they hold.")
@with_settings
def command(revision: str, *, yes: bool, settings: Settings) -> None:
    """Bring the schema to this version. Any number of processes may do so at once; one does the work."""
    from app.core.migrate import DowngradeError, MigrationError, migrate  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.slo_composition import apply_shipped  # noqa: PLC0415

    before = _revision(settings)
    try:
        try:
            reached = migrate(settings.database_url, revision, may_drop=yes)
        except DowngradeError as error:
            click.confirm(f"{error} Go on?", abort=True, err=True)
            reached = migrate(settings.database_url, revision, may_drop=True)
    except MigrationError as error:
        raise click.ClickException(str(error)) from error
    name = "base" if reached is None else reached
    if revision == "head":
        for slo in apply_shipped(settings.database_url, datetime.now(UTC)):
            click.echo(f"The SLO {slo} is applied, as it ships.")
    click.echo(f"The schema is at {name}." + (" There was nothing to do." if reached == before else ""))


def _revision(settings: Settings) -> str | None:
    from app.core.database import Database  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.core.schema_store import current_revision  # noqa: PLC0415

    database = Database(settings.database_url, pool_size=1, name="slipstream cli")
    try:
        with database.begin() as connection:
            return current_revision(connection)
    finally:
        database.close()
