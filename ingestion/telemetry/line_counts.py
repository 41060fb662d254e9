"""The lines of a piece of a file, counted by minute."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestion.events.model import AHEAD
from ingestion.telemetry.formats import BadLineError

if TYPE_CHECKING:
    from app.core.telemetry.ledger import Observation
    from ingestion.telemetry.formats import Reader

BAD_LINES_SHOWN = 10
_MOST_SHOWN = 160


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was passed over, counted from one in its file; `text` is its beginning."""

    number: int
    why: str
    text: str


@dataclass(slots=True)
class LineCounts:
    """What some lines came to; `bad` are the first few of the bad ones."""

    observations: dict[Observation, int] = field(default_factory=dict)
    lines: int = 0
    requests: int = 0
    bad_lines: int = 0
    bad: list[BadLine] = field(default_factory=list)


def count_lines(lines: list[bytes], reader: Reader, *, first: int, latest: int) -> LineCounts:
    """Count the requests of lines of which the first has this number; those of a later minute than `latest` are bad."""
    counts = LineCounts(lines=len(lines))
    observations = counts.observations
    read = reader.read
    requests = 0
    for number, line in enumerate(lines, start=first):
        try:
            found = read(line)
            if found is None:
                continue
            observation, times = found
            if observation[0] > latest:
                raise BadLineError(f"more than {AHEAD.days} day ahead of our clock")
        except BadLineError as error:
            counts.bad_lines += 1
            if len(counts.bad) < BAD_LINES_SHOWN:
                counts.bad.append(BadLine(number, str(error), _printable(line)))
            continue
        observations[observation] = observations.get(observation, 0) + times
        requests += times
    counts.requests = requests
    return counts


def _printable(line: bytes) -> str:
    text = line[:_MOST_SHOWN].decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
