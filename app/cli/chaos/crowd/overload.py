"""`slipstream chaos overload`: three times the capacity, then half of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from app.cli.chaos.crowd.bearing import Borne

SPARKS = "▁▂▃▄▅▆▇█"
SPARKLINE = 60
"""Characters for the whole run."""


@click.command("overload")
@click.option("--seconds", default=60.0, show_default=True, type=click.FloatRange(10), help="Length of the overload.")
@click.option(
    "--ease", default=25.0, show_default=True, type=click.FloatRange(20), help="Seconds of half the load after."
)
@click.option("--batch", default=1_000, show_default=True, type=click.IntRange(1, 1_000), help="Events in a request.")
@click.option("--seed", type=int, help="Repeats a run's choices; printed when it was drawn.")
@click.option("--dir", "directory", type=click.Path(path_type=Path), help="Where to run. Default: a temporary one.")
@click.option("--keep", is_flag=True, help="Keep logs and data of a green run too.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    *, seconds: float, ease: float, batch: int, seed: int | None, directory: Path | None, keep: bool, as_json: bool
) -> None:
    """Offer a platform three times what it stores at its peak, then half of it.

    Requests are full, as a client fills them that has so many events; refusing smaller ones costs more of the core, by the event.
    It must go on storing at 85 % of its peak or more, refuse the rest within 50 ms, the lowest tier first, keep the queue within its
    bounds, stop refusing soon after, drain, and store everything that had a 202.
    """
    from app.cli.chaos.crowd.options import conclude, prepare, show  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.cli.chaos.crowd.overloading import OverloadOptions, run_overload  # noqa: PLC0415

    ground = prepare(directory, seed, keep=keep)
    options = OverloadOptions(seconds=seconds, ease_s=ease, batch=batch, seed=ground.seed, cores=ground.cores)
    result = run_overload(ground.directory("overload"), options)
    if as_json:
        findings = [str(finding) for finding in result.findings]
        click.echo(json.dumps({"seed": ground.seed, **asdict(result.borne), "findings": findings}, indent=1))
    else:
        show(_table(result.borne))
        click.echo(f"queue, 0 to full: {_sparkline(result.fullest)}")
    conclude(ground, [("overload", finding) for finding in result.findings])


def _table(borne: Borne) -> Table:
    from rich.table import Table  # noqa: PLC0415 - `slipstream --help` stays quick.

    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    shares = ", ".join(f"{tier} {share:.0%}" for tier, share in borne.refused.items())
    for what, value in (
        ("stored at the peak, before", f"{borne.peak.per_s:,.0f} events/s with {borne.peak.share:.0%} of the core"),
        ("and after", f"{borne.peak_after.per_s:,.0f} events/s with {borne.peak_after.share:.0%} of the core"),
        ("offered", f"{borne.offered_per_s:,.0f} events/s ({borne.offered_per_s / borne.peak.per_s:.1f} times)"),
        ("of what the core could still store", f"{borne.times_over:.1f} times"),
        ("stored meanwhile", f"{borne.stored.per_s:,.0f} events/s with {borne.stored.share:.0%} of the core"),
        ("goodput, by equal shares of the core", f"{borne.goodput:.0%} of the mean peak"),
        ("refused (503 overloaded)", shares),
        ("a refusal took", f"p50 {borne.refusal_p50_ms:.0f} ms, p99 {borne.refusal_p99_ms:.0f} ms"),
        ("queue at its fullest", f"{borne.depth:.0%} of its room"),
        ("last refusal after the overload", f"{borne.calm_after_s:.1f} s"),
    ):
        table.add_row(what, value)
    return table


def _sparkline(values: list[float]) -> str:
    """Draw shares from 0 to 1, the highest of each stretch."""
    step = max(1, -(-len(values) // SPARKLINE))
    peaks = [max(values[start : start + step]) for start in range(0, len(values), step)]
    return "".join(SPARKS[min(int(peak * len(SPARKS)), len(SPARKS) - 1)] for peak in peaks)
