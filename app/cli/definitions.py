"""The SLOs that a verb is about: those in force, or those that files say."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.options import read_settings

if TYPE_CHECKING:
    from reporting.definitions.definition import Definition

definitions_option = click.option(
    "--definitions",
    "places",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="OpenSLO files, or directories of them. Default: the SLOs in force.",
)


def written(places: tuple[Path, ...]) -> list[Definition]:
    """Return the SLOs of files and directories; raises `ClickException` when they are wrong."""
    from reporting.definitions.load import load  # noqa: PLC0415 - `slipstream --help` stays quick.

    files = [file for place in places for file in (sorted(place.glob("*.yaml")) if place.is_dir() else [place])]
    loaded = load("\n---\n".join(file.read_text("utf-8") for file in files))
    if loaded.errors:
        raise click.ClickException("\n".join(map(str, loaded.errors)))
    return loaded.definitions


def in_force(data_dir: Path | None) -> list[Definition]:
    """Return the SLOs of the database."""
    from app.core.database import Database  # noqa: PLC0415 - `slipstream --help` stays quick.
    from reporting.catalogue.catalogue import Catalogue  # noqa: PLC0415

    database = Database(read_settings(os.environ, data_dir).database_url, pool_size=1, name="slipstream export")
    try:
        return Catalogue(database).in_force()
    finally:
        database.close()
