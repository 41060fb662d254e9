"""Two airlines that do not behave, and what the platform makes of it: one is far over its tier, one sends rubbish at first."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from rich.table import Table

from app.cli.demo.flights import AIRLINES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

OVER_ITS_TIER, OVER_TIER = "aa", "free"
"""Its 2,794 events come at once; the tier lets 2,000 in, and then 100 a second."""
BROKEN = "ha"
RUBBISH: Mapping[str, object] = {"event_id": "", "type": 7}
RUBBISH_REQUESTS = 20
"""As many as open a circuit, as it ships."""
SMALL_BATCH = 5
"""Events in a batch of the one whose circuit must close again: several good ones in a row do that."""
OPEN_S = 3
SETTINGS = {"SLIPSTREAM_CIRCUIT_OPEN_S": str(OPEN_S)}
"""Ten times shorter than as it ships, for people who watch."""


@dataclass(frozen=True, slots=True)
class Told:
    """How often a client got each HTTP status, and where its circuit stands: after its rubbish, and at the end."""

    answers: Mapping[int, int]
    events: int
    circuits: tuple[str, ...] = ()


def broken_promises(told: Mapping[str, Told]) -> list[str]:
    """Return a sentence for each thing that limits should have done, and did not."""
    broken = []
    if not told[OVER_ITS_TIER].answers.get(HTTPStatus.TOO_MANY_REQUESTS):
        broken.append(f"{AIRLINES[OVER_ITS_TIER]} was far over its tier, and was never told")
    if told[BROKEN].circuits != ("open", "closed"):
        states = ", then ".join(told[BROKEN].circuits)
        broken.append(
            f"the circuit of {AIRLINES[BROKEN]} should be open after its rubbish and closed at the end: {states}"
        )
    broken += [
        f"{AIRLINES[airline]} was refused with 429"
        for airline, one in told.items()
        if airline != OVER_ITS_TIER and one.answers.get(HTTPStatus.TOO_MANY_REQUESTS)
    ]
    return broken


def limits_table(told: Mapping[str, Told]) -> Table:
    """Return who sent how, and what each was answered; it fits into 80 columns."""
    others = [one for airline, one in told.items() if airline not in {OVER_ITS_TIER, BROKEN}]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("client", "202", "429", "422", "503", "what happened"):
        table.add_column(heading, justify="right" if heading.isdigit() else "left", no_wrap=True)
    table.add_row(AIRLINES[OVER_ITS_TIER], *_counts([told[OVER_ITS_TIER]]), "far over its tier: told to wait")
    table.add_row(AIRLINES[BROKEN], *_counts([told[BROKEN]]), " → ".join(("rubbish", *told[BROKEN].circuits)))
    table.add_row(f"{len(others)} other airlines", *_counts(others), "noticed nothing")
    return table


def _counts(clients: Iterable[Told]) -> list[str]:
    answers = [one.answers for one in clients]
    totals = [sum(each.get(status, 0) for each in answers) for status in (202, 429, 422, 503)]
    colours = ("green", "yellow", "red", "yellow")
    return [f"[{c}]{total:,}[/]" if total else "[dim]·[/]" for c, total in zip(colours, totals, strict=True)]


def circuit_of(usage: Mapping[str, Any]) -> str:
    """Return the state of the circuit that `GET /accounts/{id}/usage` tells of."""
    return str(usage["circuit"]["state"])
