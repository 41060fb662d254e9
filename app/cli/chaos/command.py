"""`slipstream chaos`: break the platform, over and over, and show that no promise broke."""

from __future__ import annotations

import json
import logging
import secrets
import shlex
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from app.cli.options import MEASURED, measured_page_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.cli.chaos.chronicle import Chronicle
    from app.cli.chaos.results import Results
    from app.cli.chaos.rounds import RoundsOptions

HISTORY = "history.ndjson"
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
@click.option("--minutes", type=float, help="Rounds until so many minutes are over. Default: one round.")
@click.option("--times", type=click.IntRange(1), help="So many rounds, each with every fault once.")
@click.option(
    "--reclaim-after",
    type=click.IntRange(1, 600),
    help="Override when a dead worker's work is taken over (default: 15 s).",
)
@click.option(
    "--patience",
    default=90,
    show_default=True,
    type=click.IntRange(1, 3_600),
    help="Seconds to wait for a recovery before it is called none.",
)
@click.option("--seed", type=int, help="Repeats a run's choices; printed when it was drawn.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    help="Where to run. Default: a new one in the temporary directory.",
)
@click.option("--keep", is_flag=True, help="Keep clients' histories, logs and data of green rounds too.")
@click.option("--list", "listing", is_flag=True, help="List the faults and run none.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@measured_page_option
@click.option(
    "--from",
    "recorded",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Run nothing; show the history of an earlier run. May be repeated.",
)
def command(
    context: click.Context,
    *,
    names: tuple[str, ...],
    minutes: float | None,
    times: int | None,
    reclaim_after: int | None,
    patience: int,
    seed: int | None,
    directory: Path | None,
    keep: bool,
    listing: bool,
    as_json: bool,
    markdown: Path | None,
    recorded: tuple[Path, ...],
) -> None:
    """Break the platform under load, and compare what clients were told with what is there.

    Starts the real processes on embedded engines, a platform for each round. Clients write every request and every answer to disk. A
    red strike keeps its directory: the clients' history, the logs and the data. What happened is in history.ndjson, strike by strike.
    The commands below send crowds instead of faults.
    """
    if context.invoked_subcommand is not None:
        return
    from app.cli.chaos.catalogue import FAULTS  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.cli.chaos.chronicle import Chronicle, read_chronicle  # noqa: PLC0415
    from app.cli.chaos.results import results_of  # noqa: PLC0415
    from app.cli.chaos.rounds import RoundsOptions  # noqa: PLC0415
    from app.platform import PlatformOptions  # noqa: PLC0415

    if unknown := set(names) - set(FAULTS):
        raise click.UsageError(f"No such fault: {', '.join(sorted(unknown))}. There are: {', '.join(FAULTS)}.")
    if listing:
        for name, entry in FAULTS.items():
            click.echo(f"{name:<28} {entry.fault.about}")
        return
    if recorded:
        _conclude([results_of(read_chronicle(path)) for path in recorded], as_json=as_json, markdown=markdown)
        return
    seed = secrets.randbelow(2**32) if seed is None else seed
    base = _base(directory)
    chronicle = Chronicle(base / HISTORY)
    click.echo(f"seed {seed}, history in {chronicle.path}", err=True)
    options = RoundsOptions(
        names=names or tuple(FAULTS),
        seed=seed,
        rounds=times or (None if minutes else 1),
        until=None if minutes is None else time.monotonic() + 60 * minutes,
        keep=keep,
        patience_s=patience,
        platform=PlatformOptions(
            lived_s=0.0, settings={} if reclaim_after is None else {"SLIPSTREAM_RECLAIM_AFTER_S": str(reclaim_after)}
        ),
    )
    _run(base, options, chronicle)
    _conclude([results_of(chronicle.lines)], as_json=as_json, markdown=markdown)


def _base(directory: Path | None) -> Path:
    base = directory or Path(tempfile.mkdtemp(prefix="slipstream-chaos-"))
    base.mkdir(parents=True, exist_ok=True)
    base.chmod(0o755)  # The engines' own user must be able to enter it.
    return base


def _run(base: Path, options: RoundsOptions, chronicle: Chronicle) -> None:
    from dataclasses import replace  # noqa: PLC0415 - `slipstream --help` stays quick.

    import structlog  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415

    from app.cli.chaos.chronicle import EndLine, RunLine  # noqa: PLC0415
    from app.cli.chaos.rounds import Rounds  # noqa: PLC0415
    from app.cli.machine import describe_machine  # noqa: PLC0415
    from app.cli.version import this_version  # noqa: PLC0415

    # The supervisor would tell of every death and the driver of every lost connection, and here they are what is wanted.
    logging.disable(logging.ERROR)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    begun = time.monotonic()
    given = shlex.join(["slipstream", *sys.argv[1:]])
    machine = describe_machine(base)
    chronicle.add(RunLine(at=_now(), seed=options.seed, command=given, version=this_version(), machine=machine))
    with Console(stderr=True).status("chaos") as status:
        Rounds(base, replace(options, watch=status.update), chronicle).run()
    chronicle.add(EndLine(at=_now(), minutes=(time.monotonic() - begun) / 60))


def _conclude(runs: Sequence[Results], *, as_json: bool, markdown: Path | None) -> None:
    """Show what came of each run; exit status 1 when a promise broke, or nothing was run."""
    from app.cli.chaos.page import as_markdown  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.cli.chaos.table import show  # noqa: PLC0415
    from app.core.marks import written_between  # noqa: PLC0415

    if as_json:
        click.echo(
            json.dumps([_as_json(results) for results in runs] if len(runs) > 1 else _as_json(runs[0]), indent=1)
        )
    else:
        for results in runs:
            show(results)
    if markdown is not None:
        markdown.write_text(written_between(markdown.read_text(), MEASURED, as_markdown(runs)))
    seeds = [str(results.run.seed) for results in runs if results.findings and results.run]
    if any(results.findings for results in runs):
        click.echo(
            f"RED. Everything needed to explain it was kept. The same choices: --seed {', '.join(seeds)}", err=True
        )
        sys.exit(1)
    if not all(results.faults for results in runs):
        click.echo("Nothing was run, which proves nothing.", err=True)
        sys.exit(1)


def _as_json(results: Results) -> dict[str, object]:
    import msgspec  # noqa: PLC0415 - `slipstream --help` stays quick.

    return {
        "run": msgspec.to_builtins(results.run),
        "end": msgspec.to_builtins(results.end),
        "green": not results.findings,
        "faults": [
            {
                "fault": result.fault,
                "strikes": len(result.strikes),
                "red": result.red,
                "requests": result.requests,
                "acknowledged": result.acknowledged,
                "stored": result.stored,
                "duplicates": result.duplicates,
                "dead": result.dead,
                "answers": dict(result.answers),
                "slowest_ms": result.slowest_ms,
                "longest_gap_s": result.longest_gap_s,
                "first_202_s": asdict(result.first_202),
                "drain_s": asdict(result.drain),
            }
            for result in results.faults.values()
        ],
        "alerts": msgspec.to_builtins(results.alarms),
        "growth": [asdict(growth) for growth in results.growth()],
        "not_run": msgspec.to_builtins(results.missing),
        "findings": [
            {"where": where, "what": what, "directory": directory} for where, what, directory in results.findings
        ],
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
