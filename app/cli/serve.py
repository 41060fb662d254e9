"""`slipstream serve`: the API, in as many processes as set."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.options import with_settings
from app.core.settings import hand_down
from app.ports import HELD, Endpoint

if TYPE_CHECKING:
    from app.core.settings import Settings


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port of the API. Default: from the settings.")
@with_settings
def command(port: int | None, *, settings: Settings) -> None:
    """Run the API until SIGTERM or Ctrl-C, which let it answer the requests in hand.

    A process of it that dies is started again.
    """
    # Before anything imports prometheus_client, which then counts in the files that all processes share.
    from app.core.metrics import multiprocess  # noqa: PLC0415
    from app.run_directory import default_run_directory, metrics_directory  # noqa: PLC0415

    if port is not None:
        settings = replace(settings, port=port)
    endpoint = Endpoint.of(settings.host, settings.port)
    if settings.port and HELD not in os.environ:
        endpoint.refuse_taken()
    settings = replace(settings, host=endpoint.host)
    run = Path(settings.run_directory) if settings.run_directory else default_run_directory(settings.database_url)
    settings = replace(settings, run_directory=str(run))
    with metrics_directory(run) as directory:
        multiprocess.prepare(directory, os.environ)
        hand_down(settings, os.environ)

        from app.core.logs import configure_logging  # noqa: PLC0415 - `slipstream --help` stays quick.
        from app.server import serve  # noqa: PLC0415

        configure_logging(level=settings.log_level, style=settings.log_format, environment=settings.environment)
        serve(settings)
