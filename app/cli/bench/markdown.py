"""The results as Markdown: the same tables, for a document that people wrote around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from app.cli.bench.report import tables
from app.cli.machine import machine_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from rich.console import RenderableType
    from rich.table import Table

    from app.cli.bench.results import Results


def as_markdown(results: Results, *, version: str, day: date) -> str:
    """Return what was measured and where, the tables and the targets."""
    head = f"Commit {version}, {day.isoformat()}, on {machine_line(results.machine)}."
    return "\n".join(("", head, *(line for table in tables(results) for line in _lines(table)), "", ""))


def _lines(table: Table) -> Iterator[str]:
    yield from ("", f"### {table.title}", "")
    yield _row(column.header for column in table.columns)
    yield _row("---:" if column.justify == "right" else "---" for column in table.columns)
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        yield _row(cells)


def _row(cells: Iterable[RenderableType]) -> str:
    return f"| {' | '.join(Text.from_markup(str(cell)).plain.strip() for cell in cells)} |"
