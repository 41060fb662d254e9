"""The summaries of the three largest airlines, as they are read over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table

from app.cli.demo.flights import AIRLINES
from app.client import Link

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

    from app.cli.demo.flights import Flights
    from app.platform import Platform

LARGEST = 3
WINDOW = "30d"


def show_summaries(console: Console, platform: Platform, keys: Mapping[str, str], flights: Flights) -> None:
    rows = []
    largest = sorted(flights.events, key=lambda airline: len(flights.events[airline]), reverse=True)[:LARGEST]
    for airline in largest:
        with Link(platform.base_url, key=keys[airline]) as link:
            summary: Any = link.call("GET", f"/accounts/{airline}/summary?window={WINDOW}", expect=200)
        by_type = summary["by_type"]
        cells = (
            AIRLINES[airline],
            f"{summary['total']:,}",
            f"{by_type.get('flight.departed', 0):,}",
            f"{by_type.get('flight.cancelled', 0):,}",
            _short(summary["first_event_at"]),
            _short(summary["last_event_at"]),
        )
        rows.append(cells)
    console.print(f"\n[bold]Summaries[/]: the three largest airlines, last {WINDOW} by the flights' own times (UTC)")
    console.print(summaries_table(rows), end="\n\n")


def summaries_table(rows: Iterable[tuple[str, ...]]) -> Table:
    """Return a table that fits into 80 columns with nothing cut."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("airline", "events", "departed", "cancelled", "first", "last"):
        table.add_column(name, justify="right" if name in {"events", "departed", "cancelled"} else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _short(instant: str | None) -> str:
    """Return `23 Oct 10:17` for an instant in RFC 3339."""
    return "-" if instant is None else f"{datetime.fromisoformat(instant):%d %b %H:%M}"
