"""`slipstream chaos noisy-neighbour`: a whale and a broken client next to fourteen small accounts, who shall not notice."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from app.cli.chaos.crowd.noisy import Run

TELL = {
    "nobody": "alone, before and after",
    "over-its-limit": "a whale at 50 times its limit, garbage",
    "above-its-share": "a whale's bursts above its share, garbage",
}


@click.command("noisy-neighbour")
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(1), help="Length of each run.")
@click.option(
    "--without",
    type=click.Choice(["rate-limit", "fair-share", "circuit-breaker"]),
    help="Leave a protection out, to see its own check go red.",
)
@click.option("--seed", type=int, help="Repeats a run's choices; printed when it was drawn.")
@click.option("--dir", "directory", type=click.Path(path_type=Path), help="Where to run. Default: a temporary one.")
@click.option("--keep", is_flag=True, help="Keep logs and data of green runs too.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    *, seconds: float, without: str | None, seed: int | None, directory: Path | None, keep: bool, as_json: bool
) -> None:
    """Compare fourteen small accounts alone with the same fourteen in bad company.

    Two runs with company between two without, each on a platform of its own. None of the small ones may be refused, and the p99 of their 202 and of their freshness
    may be twice what it is without company, at most. Five of them share the whale's shard and lane.
    """
    from app.cli.chaos.crowd.neighbourhood import Protection  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.cli.chaos.crowd.noisy import Company, NoisyOptions, compare, run_company, together  # noqa: PLC0415
    from app.cli.chaos.crowd.options import conclude, prepare, show  # noqa: PLC0415

    ground = prepare(directory, seed, keep=keep)
    off = frozenset() if without is None else frozenset({Protection(without)})
    options = NoisyOptions(seconds=seconds, seed=ground.seed, cores=ground.cores, without=off)
    done: list[Run] = []
    for number, company in enumerate((*Company, Company.NOBODY)):
        click.echo(f"{seconds:g} s: {company} …", err=True)
        done.append(run_company(company, ground.directory(f"{number}-{company}"), options))
    before, *loud, after = done
    quiet = together(before, after)
    runs = [quiet, *loud]
    for run in loud:
        compare(quiet, run)
    if as_json:
        click.echo(json.dumps({"seed": ground.seed, "runs": [_as_json(run) for run in runs]}, indent=1))
    else:
        show(_table(runs))
    conclude(ground, [(TELL[run.company], finding) for run in runs for finding in run.findings])


def _as_json(run: Run) -> dict[str, object]:
    from app.cli.chaos.crowd.neighbourhood import BROKEN, WHALE  # noqa: PLC0415 - `slipstream --help` stays quick.

    return {
        "company": run.company,
        "pace": asdict(run.pace),
        "whale": run.answers(WHALE),
        "broken": run.answers(BROKEN),
        "findings": [str(finding) for finding in run.findings],
    }


def _table(runs: Sequence[Run]) -> Table:
    from rich.table import Table  # noqa: PLC0415 - `slipstream --help` stays quick.

    from app.cli.chaos.crowd.neighbourhood import BROKEN, NEIGHBOURS, WHALE  # noqa: PLC0415

    table = Table(caption=f"{len(NEIGHBOURS)} small accounts; milliseconds, and in brackets the ratio to being alone")
    for heading in ("company", "202 p50", "202 p99", "fresh p50", "fresh p99", "the others' answers", ""):
        table.add_column(heading, justify="right" if "p" in heading and heading != "company" else "left")
    quiet = runs[0].pace
    for run in runs:
        pace = run.pace
        table.add_row(
            TELL[run.company],
            f"{pace.answer_p50_ms:.0f}",
            _against(pace.answer_p99_ms, quiet.answer_p99_ms),
            f"{pace.fresh_p50_ms:.0f}",
            _against(pace.fresh_p99_ms, quiet.fresh_p99_ms),
            "\n".join(
                f"{account_id}: {count:,} x {answer}"
                for account_id in (WHALE, BROKEN)
                for answer, count in run.answers(account_id).most_common()
            ),
            "[red]RED" if run.findings else "[green]green",
        )
    return table


def _against(value: float, quiet: float) -> str:
    return f"{value:.0f} ({value / quiet:.1f})" if quiet else f"{value:.0f}"
