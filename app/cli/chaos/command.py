"""`slipstream chaos`: break the platform, over and over, and show that no promise broke."""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.cli.chaos.runner import Report, RunOptions

WIDTH = 120
"""Characters of a table that goes to a file."""
CROWDS = {
    "noisy-neighbour": "app.cli.chaos.crowd.noisy_neighbour",
    "overload": "app.cli.chaos.crowd.overload",
    "retry-storm": "app.cli.chaos.crowd.retry_storm",
}


class _Crowds(click.Group):
    """Commands of crowds, imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return sorted(CROWDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        module = CROWDS.get(cmd_name)
        return None if module is None else cast("click.Command", import_module(module).command)


@click.group("chaos", cls=_Crowds, invoke_without_command=True)
@click.pass_context
@click.option("--fault", "names", multiple=True, metavar="NAME", help="Only this fault; may be repeated.")
@click.option("--times", default=5, show_default=True, type=click.IntRange(1), help="Strikes of each fault.")
@click.option("--minutes", type=float, help="Begin no further strike after so many minutes.")
@click.option(
    "--reclaim-after",
    type=click.IntRange(1, 600),
    help="Override when a dead worker's work is taken over (default: 15 s).",
)
@click.option("--seed", type=int, help="Repeats a run's choices; printed when it was drawn.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    help="Where to run. Default: a new one in the temporary directory.",
)
@click.option("--keep", is_flag=True, help="Keep histories, logs and data of green faults too.")
@click.option("--list", "listing", is_flag=True, help="List the faults and run none.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    context: click.Context,
    *,
    names: tuple[str, ...],
    times: int,
    minutes: float | None,
    reclaim_after: int | None,
    seed: int | None,
    directory: Path | None,
    keep: bool,
    listing: bool,
    as_json: bool,
) -> None:
    """Break the platform under load, and compare what clients were told with what is there.

    Starts the real processes on embedded engines, one platform for each fault. Clients write every request and every answer to disk. A
    red run keeps its directory: the clients' history, the logs and the data. The commands below send crowds instead of faults.
    """
    if context.invoked_subcommand is not None:
        return
    from app.cli.chaos.faults import FAULTS  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.cli.chaos.runner import RunOptions  # noqa: PLC0415
    from app.platform import PlatformOptions  # noqa: PLC0415

    if unknown := set(names) - set(FAULTS):
        raise click.UsageError(f"No such fault: {', '.join(sorted(unknown))}. There are: {', '.join(FAULTS)}.")
    if listing:
        for name, fault in FAULTS.items():
            click.echo(f"{name:<28} {fault.about}")
        return
    seed = secrets.randbelow(2**32) if seed is None else seed
    base = _base(directory)
    click.echo(f"seed {seed}, in {base}", err=True)
    options = RunOptions(
        times=times,
        seed=seed,
        until=None if minutes is None else time.monotonic() + 60 * minutes,
        platform=PlatformOptions(
            lived_s=0.0, settings={} if reclaim_after is None else {"SLIPSTREAM_RECLAIM_AFTER_S": str(reclaim_after)}
        ),
    )
    reports = _run(names or tuple(FAULTS), base, options, keep=keep)
    if as_json:
        click.echo(json.dumps({"seed": seed, "faults": [_as_json(report) for report in reports]}, indent=1))
    else:
        _print(reports)
    if not any(base.iterdir()):
        base.rmdir()
    if any(report.findings for report in reports):
        click.echo(
            f"RED. Everything needed to explain it is in {base}; the same choices again: --seed {seed}", err=True
        )
        sys.exit(1)


def _base(directory: Path | None) -> Path:
    base = directory or Path(tempfile.mkdtemp(prefix="slipstream-chaos-"))
    base.mkdir(parents=True, exist_ok=True)
    base.chmod(0o755)  # The engines' own user must be able to enter it.
    return base


def _run(names: Sequence[str], base: Path, options: RunOptions, *, keep: bool) -> list[Report]:
    import structlog  # noqa: PLC0415 - `slipstream --help` stays quick.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    from app.cli.chaos.faults import FAULTS  # noqa: PLC0415
    from app.cli.chaos.runner import RECOVERY_S, run_fault  # noqa: PLC0415

    # The supervisor would tell of every death and the driver of every lost connection, and here they are what is wanted.
    logging.disable(logging.ERROR)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    reports = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for name in names:
            if options.until is not None and time.monotonic() > options.until:
                break
            task = progress.add_task(name, total=options.times)
            watched = replace(options, watch=partial(progress.advance, task))
            report = run_fault(name, FAULTS[name], base / name, watched)
            report.check_recovery(RECOVERY_S)
            progress.remove_task(task)
            reports.append(report)
            if not report.findings and not keep:
                shutil.rmtree(report.directory)
    return reports


def _as_json(report: Report) -> dict[str, object]:
    return asdict(report) | {"directory": str(report.directory), "green": not report.findings}


def _print(reports: Sequence[Report]) -> None:
    from rich.console import Console  # noqa: PLC0415 - `slipstream --help` stays quick.
    from rich.table import Table  # noqa: PLC0415

    table = Table(caption="seconds from the mending on: median / longest of all strikes")
    for heading in ("fault", "strikes", "events", "answers", "first 202 s", "all stored s", ""):
        table.add_column(heading, justify="right" if heading in {"strikes", "events"} else "left")
    for report in reports:
        table.add_row(
            report.about,
            str(len(report.rounds)),
            f"{report.acknowledged:,}",
            "\n".join(f"{count:,} x {answer}" for answer, count in report.answers.most_common()),
            _spread([one.to_first_202_s for one in report.rounds]),
            _spread([one.to_drain_s for one in report.rounds]),
            "[red]RED" if report.findings else "[green]green",
        )
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    console.print(table)
    for report in reports:
        for finding in report.findings:
            console.print(f"{report.name}: {finding}", markup=False)


def _spread(times: Sequence[float | None]) -> str:
    known = sorted(value for value in times if value is not None)
    if not known:
        return "never"
    return f"{known[len(known) // 2]:.1f} / {'never' if len(known) < len(times) else format(known[-1], '.1f')}"
