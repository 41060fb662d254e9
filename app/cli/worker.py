"""`slipstream worker`: take events from the queue and store them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from app.cli.options import with_settings

if TYPE_CHECKING:
    from app.core.settings import Settings


@click.command("worker")
@click.option("--concurrency", type=click.IntRange(1, 64), help="Bundles to store at once. Default: from the settings.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port of probes and metrics; 0 is any free one.")
@with_settings
def command(concurrency: int | None, port: int | None, *, settings: Settings) -> None:
    """Run a worker until SIGTERM or Ctrl-C, which let it finish what it has in hand.

    Up to sixteen share the storing, on any machines, and take over from one that dies.
    """
    from app.core.logs import configure_logging  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.worker import Worker  # noqa: PLC0415

    configure_logging(level=settings.log_level, style=settings.log_format, environment=settings.environment)
    if concurrency is not None:
        settings = replace(settings, worker_concurrency=concurrency)
    if port is not None:
        settings = replace(settings, worker_port=port)
    Worker(settings).run()
