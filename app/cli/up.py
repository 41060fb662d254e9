"""`slipstream up`: everything on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.core.environment import raw_value, with_file
from app.core.settings import PREFIX, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

OURS = ("DATABASE_URL", "REDIS_URL", "ADMIN_TOKEN", "HOST", "PORT", "ENV_FILE")
"""Variables that the instance makes for itself, and the file that it reads itself."""
PLACES = ("BASE_URL", "RUN_DIRECTORY", "STATUS_DIRECTORY")
"""Settings that the instance has values for where nobody gives one."""


@click.command("up")
@click.option("--data", "data_dir", type=click.Path(file_okay=False, path_type=Path), help="Where all data live.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address on which the API listens.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65_535), help="Port of the API; 0 is any."
)
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
def command(data_dir: Path | None, host: str, port: int, workers: int) -> None:
    """Run the API, workers, PostgreSQL and Valkey on this machine.

    Whatever dies is started again. Ctrl-C stops everything in order; the next start continues on the same data. Settings are taken from the
    environment and from SLIPSTREAM_ENV_FILE, except those that say where everything is.
    """
    from app.embedded.directory import OPERATOR_FILE, default_data_dir  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.platform import Platform, PlatformOptions  # noqa: PLC0415

    data_dir = data_dir or default_data_dir()
    options = PlatformOptions(workers=workers, host=host, port=port, settings=given_settings(os.environ))
    with Platform(data_dir, options).start() as platform:
        instance = platform.instance
        click.echo(f"Slipstream answers on   {platform.base_url}")
        click.echo(f"web pages               {platform.base_url}/ui/")
        click.echo(f"data and logs           {instance.data_dir}")
        click.echo(f"for other commands      --data {instance.data_dir}")
        token = shlex.quote(str(instance.data_dir / OPERATOR_FILE))
        click.echo(f"for curl, as operator   export URL={shlex.quote(platform.base_url)} ADMIN=$(cat {token})")
        click.echo("Ctrl-C stops it.")
        platform.supervisor.run()
        click.echo("Stopping: what is in hand is finished first.", err=True)


def given_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the processes are told of the settings in `environ` and its file. Raises `SettingsError`."""
    problems: list[str] = []
    given = with_file(environ, PREFIX, problems)
    others = tuple(PREFIX + name for name in (*OURS, *PLACES))
    settings = {name: value for name, value in given.items() if name.startswith(PREFIX) and not name.startswith(others)}
    # By value: beside the instance's own, a file that `<name>_FILE` names would be one too many.
    places = {PREFIX + name: raw_value(PREFIX + name, given, problems) for name in PLACES}
    if problems:
        raise SettingsError(problems)
    return settings | {name: value for name, value in places.items() if value is not None}
