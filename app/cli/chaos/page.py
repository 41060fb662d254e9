"""The results of a run as Markdown."""

from __future__ import annotations

import shlex
from itertools import pairwise
from typing import TYPE_CHECKING

from app.cli.chaos.catalogue import FAULTS
from app.cli.chaos.table import gap, in_order, spread
from app.cli.machine import machine_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.cli.chaos.results import Results

_MIB = 1024**2
_PLACES = {"--dir", "--markdown"}


def as_markdown(runs: Sequence[Results]) -> str:
    """Return the command, the machine and the tables of each run."""
    return "\n" + "\n\n".join("\n".join(_lines(results)) for results in runs) + "\n\n"


def _lines(results: Results) -> Iterator[str]:
    yield from _head(results)
    yield ""
    yield "| fault | times | requests | events with a 202 | stored | repeated | dead | slowest answer | longest without a 202, s | first 202 | all stored | verdict |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|"
    for name, result in in_order(results):
        cells = (
            f"`{name}`: {FAULTS[name].fault.about}" if name in FAULTS else f"`{name}`",
            str(len(result.strikes)),
            f"{result.requests:,}",
            f"{result.acknowledged:,}",
            f"{result.stored:,}",
            f"{result.duplicates:,}",
            f"{result.dead:,}",
            f"{result.slowest_ms / 1000:.1f} s",
            gap(result.longest_gap_s),
            f"{spread(result.first_202)} s",
            f"{spread(result.drain)} s",
            f"**red {result.red} of {len(result.strikes)}**" if result.red else "green",
        )
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield "The last two times are seconds from the mending on, the median and the longest of all strikes: a killed process is mended when it is ready again, which the time without a 202 has in it."
    if results.findings:
        yield ""
        yield "Broken promises:"
        yield ""
        yield from (f"- `{where}`: {what}" for where, what, _ in results.findings)
    yield from _alarms(results)
    yield from _growth(results)
    if results.missing:
        yield ""
        yield "Not run on this machine:"
        yield ""
        yield from (f"- `{missing.fault}`: {missing.reason}" for missing in results.missing)


def _head(results: Results) -> Iterator[str]:
    run, end = results.run, results.end
    if run is None:
        return
    strikes = sum(len(result.strikes) for result in results.faults.values())
    requests = sum(result.requests for result in results.faults.values())
    events = sum(result.acknowledged for result in results.faults.values())
    yield "```sh"
    yield _command(run.command)
    yield "```"
    yield ""
    minutes = "unfinished" if end is None else f"{end.minutes:.0f} minutes"
    verdict = f"{len(results.findings)} broken promises" if results.findings else "no broken promise"
    yield f"{minutes.capitalize()} from {run.at}, seed {run.seed}, commit {run.version}: **{strikes} strikes of {len(results.faults)} faults, {requests:,} requests, {events:,} events with a 202, {verdict}.**"
    yield ""
    yield f"{machine_line(run.machine)}."


def _command(given: str) -> str:
    """Return what was typed, without where it was to write."""
    words = shlex.split(given)
    kept = [word for before, word in pairwise(["", *words]) if not {before, word} & _PLACES]
    return shlex.join(kept)


def _alarms(results: Results) -> Iterator[str]:
    if not results.alarms:
        return
    fired = sorted(alarm.fired_after_s for alarm in results.alarms if alarm.fired_after_s is not None)
    told = sum(alarm.firing for alarm in results.alarms)
    ended = sum(alarm.resolved for alarm in results.alarms)
    yield ""
    yield f"Alerts, burning while faults strike: {len(results.alarms)} expected, {told} told, {ended} ends told."
    if fired:
        yield f"From the first bad event to the webhook: median {fired[len(fired) // 2]:.0f} s, longest {fired[-1]:.0f} s."


def _growth(results: Results) -> Iterator[str]:
    growth = results.growth()
    if not growth:
        return
    yield ""
    yield "| process | measure | lives | most samples | highest | largest rise over a life |"
    yield "|---|---|--:|--:|--:|--:|"
    for one in growth:
        size = one.measure == "memory"
        highest = f"{one.highest / _MIB:.0f} MiB" if size else str(one.highest)
        risen = f"{one.risen / _MIB:+.1f} MiB" if size else f"{one.risen:+.1f}"
        yield f"| {one.process} | {one.measure} | {one.lives} | {one.samples} | {highest} | {risen} |"
