"""`slipstream rules`: the same SLOs for teams on Prometheus."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.definitions import definitions_option, in_force, written
from app.cli.options import data_option


@click.group("rules")
def group() -> None:
    """Rules for Prometheus and Alertmanager."""


@group.command("export")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@definitions_option
@data_option
def export_rules(directory: Path, *, places: tuple[Path, ...], data_dir: Path | None) -> None:
    """Write recording and alerting rules, their unit tests for promtool, and Alertmanager's routing into DIRECTORY."""
    from dashboards.prometheus.export import export  # noqa: PLC0415 - `slipstream --help` stays quick.

    exported = export(written(places) if places else in_force(data_dir), directory)
    for name, why in exported.refused.items():
        click.echo(f"{name} is not exported: {why}", err=True)
    click.echo(f"{len(exported.promises)} SLOs in {directory}")
