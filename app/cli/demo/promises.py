"""What the platform and its users promise, and how it stands, in a table."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.table import Table

from reporting.slo.presentation import percent_down

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.platform import Platform

_STATES = {"HEALTHY": "green", "BURNING": "yellow", "EXHAUSTED": "red"}


def read_promises(platform: Platform) -> list[dict[str, Any]]:
    """Return every SLO as `GET /slos` has it."""
    with platform.admin() as admin:
        slos: list[dict[str, Any]] = admin.call("GET", "/slos")["slos"]
    return slos


def promises_table(slos: Iterable[dict[str, Any]]) -> Table:
    """Return a table that fits into 80 columns with nothing cut."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("promise", "target", "actual", "bad", "of", "budget left", "state"):
        table.add_column(name, justify="left" if name in {"promise", "state"} else "right", no_wrap=True)
    for slo in slos:
        state = slo["state"]
        colour = _STATES.get(state, "dim")
        table.add_row(
            slo["name"],
            _percent(slo["target"]),
            _percent(slo["sli"]),
            f"{slo['bad']:,}",
            f"{slo['total']:,}",
            _percent((slo["budget"] or {}).get("remaining_ratio"), decimals=0),
            f"[{colour}]{state.replace('_', ' ')}[/]",
        )
    return table


def _percent(ratio: float | None, *, decimals: int = 2) -> str:
    shown = percent_down(None if ratio is None else Decimal(str(ratio)), decimals)
    return "-" if shown is None else f"{shown:,} %"
