"""What a run's lines come to: one result a fault, the alerts, the lives, and what was not run. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.cli.chaos.chronicle import AlarmLine, EndLine, LifeLine, MissingLine, RunLine, StrikeLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.cli.chaos.chronicle import Line

FLAT = "flat"
"""Under this name stands what was found over a whole round."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and longest of some times in seconds; `longest` is None when one of them never came."""

    median: float | None
    longest: float | None

    @classmethod
    def of(cls, times: Sequence[float | None]) -> Spread:
        known = sorted(time for time in times if time is not None)
        if not known:
            return cls(None, None)
        return cls(known[len(known) // 2], None if len(known) < len(times) else known[-1])


@dataclass(slots=True)
class Result:
    """One fault, over all its strikes. acknowledged: events of a 202; stored, duplicates, dead: what became of them."""

    fault: str
    strikes: list[StrikeLine] = field(default_factory=list)

    @property
    def answers(self) -> Counter[str]:
        counted: Counter[str] = Counter()
        for strike in self.strikes:
            counted.update(strike.answers)
        return counted

    @property
    def requests(self) -> int:
        return sum(strike.requests for strike in self.strikes)

    @property
    def acknowledged(self) -> int:
        return sum(strike.acknowledged for strike in self.strikes)

    @property
    def stored(self) -> int:
        return sum(strike.stored for strike in self.strikes)

    @property
    def duplicates(self) -> int:
        return sum(strike.duplicates for strike in self.strikes)

    @property
    def dead(self) -> int:
        return sum(strike.dead for strike in self.strikes)

    @property
    def slowest_ms(self) -> int:
        return max((strike.slowest_ms for strike in self.strikes), default=0)

    @property
    def first_202(self) -> Spread:
        return Spread.of([strike.first_202_s for strike in self.strikes])

    @property
    def drain(self) -> Spread:
        return Spread.of([strike.drain_s for strike in self.strikes])

    @property
    def longest_gap_s(self) -> float | None:
        """The longest time in which no client had a 202; None when it was not measured."""
        return max((strike.longest_gap_s for strike in self.strikes if strike.longest_gap_s is not None), default=None)

    @property
    def red(self) -> int:
        """How many strikes broke a promise."""
        return sum(bool(strike.findings) for strike in self.strikes)


@dataclass(frozen=True, slots=True)
class Growth:
    """The largest rise of one measure over all lives of one kind of process."""

    process: str
    measure: str
    lives: int
    samples: int
    highest: int
    risen: float


@dataclass(slots=True)
class Results:
    """Everything that a run's history says."""

    run: RunLine | None = None
    end: EndLine | None = None
    faults: dict[str, Result] = field(default_factory=dict)
    alarms: list[AlarmLine] = field(default_factory=list)
    lives: list[LifeLine] = field(default_factory=list)
    missing: list[MissingLine] = field(default_factory=list)
    over_rounds: list[StrikeLine] = field(default_factory=list)

    @property
    def findings(self) -> list[tuple[str, str, str | None]]:
        """Every broken promise: where, what, and the directory that was kept."""
        strikes = [strike for result in self.faults.values() for strike in result.strikes]
        found = [(s.fault, text, s.directory) for s in (*strikes, *self.over_rounds) for text in s.findings]
        return found + [("alert", text, alarm.directory) for alarm in self.alarms for text in alarm.findings]

    def growth(self) -> list[Growth]:
        """The largest rises, by process and measure."""
        groups: dict[tuple[str, str], list[LifeLine]] = {}
        for life in self.lives:
            groups.setdefault((life.process, life.measure), []).append(life)
        return [
            Growth(
                process,
                measure,
                len(lives),
                max(life.samples for life in lives),
                max(max(life.first, life.last) for life in lives),
                max(life.risen for life in lives),
            )
            for (process, measure), lives in sorted(groups.items())
        ]


def results_of(lines: Iterable[Line]) -> Results:
    """Sort the lines of a run."""
    results = Results()
    for line in lines:
        match line:
            case RunLine():
                results.run = line
            case EndLine():
                results.end = line
            case AlarmLine():
                results.alarms.append(line)
            case LifeLine():
                results.lives.append(line)
            case MissingLine():
                results.missing.append(line)
            case StrikeLine() if line.fault == FLAT:
                results.over_rounds.append(line)
            case StrikeLine():
                results.faults.setdefault(line.fault, Result(line.fault)).strikes.append(line)
    return results
