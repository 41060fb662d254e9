"""`slipstream rules`: the same SLOs for teams on Prometheus."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.options import data_option, read_settings

if TYPE_CHECKING:
    from reporting.definitions.definition import Definition


@click.group("rules")
def group() -> None:
    """Rules for Prometheus and Alertmanager."""


@group.command("export")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--definitions",
    "places",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="OpenSLO files, or directories of them. Default: the SLOs in force.",
)
@data_option
def export_rules(directory: Path, *, places: tuple[Path, ...], data_dir: Path | None) -> None:
    """Write recording and alerting rules, their unit tests for promtool, and Alertmanager's routing into DIRECTORY."""
    from dashboards.prometheus.export import export  # noqa: PLC0415 - `slipstream --help` stays quick.

    exported = export(_written(places) if places else _in_force(data_dir), directory)
    for name, why in exported.refused.items():
        click.echo(f"{name} is not exported: {why}", err=True)
    click.echo(f"{len(exported.promises)} SLOs in {directory}")


def _written(places: tuple[Path, ...]) -> list[Definition]:
    from reporting.definitions.load import load  # noqa: PLC0415 - `slipstream --help` stays quick.

    files = [file for place in places for file in (sorted(place.glob("*.yaml")) if place.is_dir() else [place])]
    loaded = load("\n---\n".join(file.read_text("utf-8") for file in files))
    if loaded.errors:
        raise click.ClickException("\n".join(map(str, loaded.errors)))
    return loaded.definitions


def _in_force(data_dir: Path | None) -> list[Definition]:
    from app.core.database import Database  # noqa: PLC0415 - `slipstream --help` stays quick.
    from reporting.catalogue.catalogue import Catalogue  # noqa: PLC0415

    database = Database(read_settings(os.environ, data_dir).database_url, pool_size=1, name="slipstream rules")
    try:
        return Catalogue(database).in_force()
    finally:
        database.close()
