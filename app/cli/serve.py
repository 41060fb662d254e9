"""`slipstream serve`: the API, in as many processes as set."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.options import with_settings

if TYPE_CHECKING:
    from app.core.settings import Settings

BACKLOG = 2_048
RESPAWN_AFTER_S = 0.5


@click.command("serve")
@with_settings
def command(*, settings: Settings) -> None:
    """Run the API until SIGTERM or Ctrl-C, which let it answer the requests in hand."""
    from app.core.metrics import multiprocess  # noqa: PLC0415 - it must come before prometheus_client.

    with tempfile.TemporaryDirectory(prefix="slipstream-api-") as directory:
        multiprocess.prepare(Path(directory) / "metrics", os.environ)
        run_directory = Path(directory) / "run"
        run_directory.mkdir(mode=0o700)
        os.environ.setdefault("SLIPSTREAM_RUN_DIRECTORY", str(run_directory))
        _serve(settings)


def _serve(settings: Settings) -> None:
    from granian import Granian  # noqa: PLC0415 - `slipstream --help` stays quick.
    from granian.constants import Interfaces  # noqa: PLC0415

    Granian(
        "app.wsgi:application",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.api_processes,
        blocking_threads=settings.api_threads,
        backpressure=settings.api_threads,
        backlog=BACKLOG,
        respawn_failed_workers=True,
        respawn_interval=RESPAWN_AFTER_S,
        log_enabled=False,
    ).serve()
    sys.exit(0)
