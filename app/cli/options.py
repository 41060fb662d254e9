"""What verbs have in common: where the settings come from, and how results are printed."""

from __future__ import annotations

import json
import os
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.core.marks import written_between
from app.core.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from app.core.settings import Settings

data_option = click.option(
    "--data",
    "data_dir",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Use the instance that `slipstream up` runs on this directory.",
)
MEASURED = "measured"
"""The name of the marks between which a page gets measurements."""


def _with_marks(_context: click.Context, _parameter: click.Parameter, page: Path | None) -> Path | None:
    # Before anything is run: measurements of an hour must not be lost for a missing mark.
    if page is not None:
        try:
            written_between(page.read_text(), MEASURED, "")
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return page


measured_page_option = click.option(
    "--markdown",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=_with_marks,
    help="Write the results between the marks of this Markdown file too.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument `settings`: those of the environment, or by `--data` of a running instance."""

    @wraps(command)
    def run(*args: Any, data_dir: Path | None, **kwargs: Any) -> Any:
        return command(*args, settings=read_settings(os.environ, data_dir), **kwargs)

    return data_option(run)


def read_settings(environ: Mapping[str, str], data_dir: Path | None) -> Settings:
    """Return the settings; what a running instance says of itself comes before the environment.

    Raises `SettingsError`, also when no instance runs there.
    """
    if data_dir is None:
        return load_settings(environ)
    # Only installations that embed the engines have these libraries.
    from app.embedded.binaries import EmbeddedError  # noqa: PLC0415
    from app.embedded.directory import running_environment  # noqa: PLC0415

    try:
        instance = running_environment(data_dir)
    except EmbeddedError as error:
        raise SettingsError([str(error)]) from error
    others = {name: value for name, value in environ.items() if name.removesuffix("_FILE") not in instance}
    return load_settings(others | instance)


def print_json(value: Any) -> None:
    """Print a result for machines."""
    click.echo(json.dumps(value, indent=2, default=str))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a result for people, in columns as wide as they need: nothing is cut, so that it can be copied."""
    cells = [list(headings), *([("" if value is None else str(value)) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for number, row in enumerate(cells):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        click.echo(click.style(line, bold=True) if number == 0 else line)
