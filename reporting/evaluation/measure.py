"""What is summed for an SLO: how many there were in total, and how many of them were good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from reporting.definitions.thresholds import slow_part
from reporting.slo.no_data_alert import NoDataAlert

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from app.domain.filters import Filter, Source
    from reporting.definitions.definition import Indicator
    from reporting.evaluation.tiles import Tile
    from reporting.slo.threshold_alert import ThresholdAlert

    Watch = ThresholdAlert | NoDataAlert
    """A rule that looks at events, and not at the budget."""


@dataclass(frozen=True, slots=True)
class Measure:
    """An indicator without its name: SLOs that count the same share one. The part is what is good, or else what is bad."""

    total: Filter
    part: Filter
    part_is_good: bool
    measures_duration: bool = False

    @property
    def source(self) -> Source:
        return self.total.source

    def good(self, part: int, total: int) -> int:
        """Return how many are good when `part` of the total are of the part."""
        return part if self.part_is_good else total - part


def measure_of(indicator: Indicator) -> Measure:
    """Return what an indicator counts."""
    part = indicator.good if indicator.good is not None else indicator.bad
    if part is None:
        raise ValueError(f"the indicator {indicator.name} has neither a good nor a bad part")
    return Measure(indicator.total, part, indicator.good is not None, indicator.measures_duration)


def watched_by(rule: Watch, indicator: Indicator) -> Measure:
    """Return what a rule on events counts: the indicator, or how many requests are slow."""
    if isinstance(rule, NoDataAlert) or rule.slower_than_ms is None:
        return measure_of(indicator)
    return Measure(
        indicator.total, slow_part(indicator.total, rule.slower_than_ms), part_is_good=False, measures_duration=True
    )


class Book(Protocol):
    """Sums for some measures of one source.

    A tile's sums are an array with good and total of each measure, in their order; a tile without any is left out.
    """

    measures: Sequence[Measure]
    undecided: timedelta
    """For how long after its end a minute may still change by itself."""

    def concerned(self, scope: str) -> Sequence[Measure]:
        """Return the measures that a restatement of a scope (`app.core.restatements_store`) may change."""
        ...

    def load(self, connection: Connection, tiles: Iterable[Tile], *, now: datetime) -> Mapping[Tile, array[int]]: ...
