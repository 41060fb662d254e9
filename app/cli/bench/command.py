"""`slipstream bench`: how fast, at which price, and how far from the ceiling."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.options import MEASURED, measured_page_option

if TYPE_CHECKING:
    from app.cli.bench.results import Results

PARTS = ("ingestion", "offered", "summaries", "slos", "imports", "reports", "pages", "growth")


@click.command("bench")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part; may be repeated.")
@click.option(
    "--batch", "sizes", multiple=True, type=click.IntRange(1, 1_000), help="Only this batch size; may be repeated."
)
@click.option("--quick", is_flag=True, help="A tenth of the work: for a first look, not for numbers to quote.")
@click.option(
    "--connections", default=16, show_default=True, type=click.IntRange(1, 512), help="Kept-alive connections."
)
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
@click.option(
    "--stored",
    type=click.IntRange(1),
    help="Events stored before summaries are measured. Default: 10 million, quick: 200,000.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Where the engines keep their data meanwhile. Default: the temporary directory.",
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the results as JSON to this file too."
)
@measured_page_option
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--assert", "strict", is_flag=True, help="Exit with status 1 also when a target is missed.")
def command(
    *,
    parts: tuple[str, ...],
    sizes: tuple[int, ...],
    connections: int,
    workers: int,
    stored: int | None,
    data: Path | None,
    out: Path | None,
    markdown: Path | None,
    quick: bool,
    as_json: bool,
    strict: bool,
) -> None:
    """Measure ingestion, load by the clock, summaries, SLOs, imports, reports, pages and growth on platforms of its own, and compare them with the targets.

    The load comes from another process over kept-alive connections, with every request made before the clock starts. Processor time is
    read from /proc for all processes of each component. The ceiling is one connection's binary COPY of as many rows into the same table.
    A part that fails is named at the end, with exit status 1; the others are measured all the same.
    """
    from rich.console import Console  # noqa: PLC0415 - `slipstream --help` stays quick.

    from app.cli.bench.report import print_results  # noqa: PLC0415
    from app.cli.bench.run import Plan, run  # noqa: PLC0415

    directory = Path(tempfile.mkdtemp(prefix="slipstream-bench-", dir=data))
    directory.chmod(0o755)  # The engines' own user must be able to enter it.
    plan = Plan(
        parts=parts or PARTS,
        sizes=sizes or (1, 100, 1_000),
        connections=connections,
        workers=workers,
        stored=stored or (200_000 if quick else 10_000_000),
        share=0.1 if quick else 1.0,
    )
    try:
        results = run(plan, directory, Console(stderr=True))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    text = json.dumps(_as_json(results), indent=1)
    if out is not None:
        out.write_text(text + "\n")
    if markdown is not None:
        from app.cli.bench.markdown import as_markdown  # noqa: PLC0415
        from app.cli.version import this_version  # noqa: PLC0415
        from app.core.marks import written_between  # noqa: PLC0415

        measured = as_markdown(results, version=this_version(), day=datetime.now(UTC).date())
        markdown.write_text(written_between(markdown.read_text(), MEASURED, measured))
    if as_json:
        click.echo(text)
    else:
        print_results(results, Console())
    missed = strict and not all(target.met for target in results.targets)
    if results.failures or missed:
        sys.exit(1)


def _as_json(results: Results) -> dict[str, object]:
    return {
        **asdict(results),
        "ingestion": [
            {**asdict(one), "stack_us": one.stack_us, "cpu_ratio": one.cpu_ratio, "speed_ratio": one.speed_ratio}
            for one in results.ingestion
        ],
    }
