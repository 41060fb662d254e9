"""`slipstream dashboards`: what the platform knows, for teams on Grafana."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.definitions import definitions_option, in_force, written
from app.cli.options import data_option


@click.group("dashboards")
def group() -> None:
    """Dashboards for Grafana."""


@group.command("export")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@definitions_option
@data_option
def export_dashboards(directory: Path, *, places: tuple[Path, ...], data_dir: Path | None) -> None:
    """Write dashboards for Prometheus and PostgreSQL, and the files that provision them, into DIRECTORY."""
    from dashboards.grafana.export import export  # noqa: PLC0415 - `slipstream --help` stays quick.

    exported = export(written(places) if places else in_force(data_dir), directory)
    for name, why in exported.refused.items():
        click.echo(f"{name} is not in the dashboards for PostgreSQL: {why}", err=True)
    click.echo(f"{len(exported.by_name)} dashboards in {directory}")
