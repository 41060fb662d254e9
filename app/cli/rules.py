"""`slipstream rules`: the same SLOs for teams on Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

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
    help="OpenSLO files, or directories of them. Default: the SLOs as shipped.",
)
def export_rules(directory: Path, *, places: tuple[Path, ...]) -> None:
    """Write recording and alerting rules, their unit tests for promtool, and Alertmanager's routing into DIRECTORY."""
    from dashboards.prometheus.export import export  # noqa: PLC0415 - `slipstream --help` stays quick.

    exported = export(_definitions(places), directory)
    for name, why in exported.refused.items():
        click.echo(f"{name} is not exported: {why}", err=True)
    click.echo(f"{len(exported.promises)} SLOs in {directory}")


def _definitions(places: tuple[Path, ...]) -> list[Definition]:
    from app.named_routes import shipped_definitions  # noqa: PLC0415 - `slipstream --help` stays quick.
    from reporting.definitions.load import load  # noqa: PLC0415

    if not places:
        return list(shipped_definitions())
    files = [file for place in places for file in (sorted(place.glob("*.yaml")) if place.is_dir() else [place])]
    loaded = load("\n---\n".join(file.read_text("utf-8") for file in files))
    if loaded.errors:
        raise click.ClickException("\n".join(map(str, loaded.errors)))
    return loaded.definitions
