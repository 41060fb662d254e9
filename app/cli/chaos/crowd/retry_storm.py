"""`slipstream chaos retry-storm`: five hundred clients that were refused together come back, and not as a wave."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from app.cli.chaos.crowd.storm import Storm

WIDEST = 50
"""Characters of the longest bar."""


@click.command("retry-storm")
@click.option("--seed", type=int, help="Repeats a run's choices; printed when it was drawn.")
@click.option("--dir", "directory", type=click.Path(path_type=Path), help="Where to run. Default: a temporary one.")
@click.option("--keep", is_flag=True, help="Keep logs and data of green runs too.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(*, seed: int | None, directory: Path | None, keep: bool, as_json: bool) -> None:
    """Refuse 500 clients together, who do no more than `Retry-After` says, and count how they come back.

    Once Valkey is away for 10 s; once all 500 share an account, and its limit lets a fifth of them in. In no second may more than three times as
    many come back as can be served at once, and everybody is accepted in the end.
    """
    from app.cli.chaos.crowd.options import conclude, prepare  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.cli.chaos.crowd.storm import StormOptions, run_outage, run_shared_limit  # noqa: PLC0415

    ground = prepare(directory, seed, keep=keep)
    options = StormOptions(seed=ground.seed, cores=ground.cores)
    storms = [
        run_outage(ground.directory("outage"), options),
        run_shared_limit(ground.directory("shared"), options),
    ]
    if as_json:
        shown = [{"name": s.name, **asdict(s.seen), "findings": [str(f) for f in s.findings]} for s in storms]
        click.echo(json.dumps({"seed": ground.seed, "storms": shown}, indent=1))
    else:
        for storm in storms:
            _draw(storm)
    conclude(ground, [(storm.name, finding) for storm in storms for finding in storm.findings])


def _draw(storm: Storm) -> None:
    seen = storm.seen
    click.echo(f"\n{storm.name}: requests that arrived, by seconds after the return; ordinary are {seen.ordinary:g}")
    scale = WIDEST / max(*seen.arrivals, 1)
    for second, arrivals in enumerate(seen.arrivals):
        click.echo(f"{second:>4} s {arrivals:>5} {'█' * round(arrivals * scale)}")
    click.echo(
        f"{seen.refused:,} refusals; the busiest second had {seen.peak:.1f} times the ordinary; "
        f"nobody had to ask more than {seen.attempts} times"
    )
