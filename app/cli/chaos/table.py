"""The results of a run as a table for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from app.cli.chaos.catalogue import FAULTS

if TYPE_CHECKING:
    from app.cli.chaos.results import Result, Results, Spread

WIDTH = 140
"""Characters of a table that goes to a file."""
_LEFT = {"fault", "answers", ""}


def show(results: Results) -> None:
    """Print one row a fault, then every broken promise."""
    table = Table(caption="seconds from the mending on: median / longest of all strikes")
    for heading in (
        "fault",
        "times",
        "requests",
        "acknowledged",
        "stored",
        "dead",
        "slowest ms",
        "without 202 s",
        "202 s",
        "stored s",
        "",
    ):
        table.add_column(heading, justify="left" if heading in _LEFT else "right")
    for name, result in in_order(results):
        table.add_row(
            FAULTS[name].fault.about if name in FAULTS else name,
            str(len(result.strikes)),
            f"{result.requests:,}",
            f"{result.acknowledged:,}",
            f"{result.stored + result.duplicates:,}",
            f"{result.dead:,}",
            f"{result.slowest_ms:,}",
            gap(result.longest_gap_s),
            spread(result.first_202),
            spread(result.drain),
            f"[red]RED {result.red}" if result.red else "[green]green",
        )
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    console.print(table)
    for alarm in results.alarms:
        console.print(
            f"an alert of round {alarm.round}: told {alarm.firing} times, after {_seconds(alarm.fired_after_s)}; "
            f"its end {alarm.resolved} times, after {_seconds(alarm.resolved_after_s)}"
        )
    for missing in results.missing:
        console.print(f"not run: {missing.fault}, {missing.reason}", markup=False)
    for where, finding, directory in results.findings:
        console.print(f"{where}: {finding} {f'({directory})' if directory else ''}", markup=False)


def in_order(results: Results) -> list[tuple[str, Result]]:
    """Return the faults as they are listed."""
    listed = list(FAULTS)
    return sorted(results.faults.items(), key=lambda item: listed.index(item[0]) if item[0] in FAULTS else len(listed))


def spread(times: Spread) -> str:
    """Return `median / longest`."""
    if times.median is None:
        return "never"
    return f"{times.median:.1f} / {'never' if times.longest is None else format(times.longest, '.1f')}"


def gap(seconds: float | None) -> str:
    """Return a time, or a dash where it was not measured."""
    return "-" if seconds is None else f"{seconds:.1f}"


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f} s"
