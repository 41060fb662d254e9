"""Good and total by the minute, of which the sum over any span costs the same: two look-ups in running sums."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING

from reporting.slo.counts import Counts, ImpossibleCountsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class MinuteSeries:
    """Counts by minute since 1970, in ascending order; minutes without events are left out.

    A row may stand for more than one minute (a slice, an hour of old data): then it is that of its first minute.
    `scale` is that of `Counts`. Raises `ImpossibleCountsError` for more good than total, `ValueError` for minutes that
    do not ascend.
    """

    def __init__(
        self, minutes: Sequence[int] = (), good: Sequence[int] = (), total: Sequence[int] = (), *, scale: int = 1
    ) -> None:
        self.scale = scale
        self._minutes = array("q")
        # Running sums, each one longer than the minutes: what lies before row i.
        self._good = array("q", [0])
        self._total = array("q", [0])
        self._append(minutes, good, total)

    def __len__(self) -> int:
        return len(self._minutes)

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """Yield minute, good and total of every row."""
        for row, minute in enumerate(self._minutes):
            yield minute, self._good[row + 1] - self._good[row], self._total[row + 1] - self._total[row]

    def counts(self, start: int, end: int) -> Counts:
        """Add up the minutes of `[start, end)`."""
        first = bisect_left(self._minutes, start)
        last = max(first, bisect_left(self._minutes, end))
        return Counts(self._good[last] - self._good[first], self._total[last] - self._total[first], self.scale)

    def rows(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield minute, good and total of the rows of `[start, end)`."""
        for row in range(bisect_left(self._minutes, start), bisect_left(self._minutes, end)):
            yield (
                self._minutes[row],
                self._good[row + 1] - self._good[row],
                self._total[row + 1] - self._total[row],
            )

    def replace_from(self, start: int, minutes: Sequence[int], good: Sequence[int], total: Sequence[int]) -> None:
        """Forget every row from a minute on, and take these instead: how the last minutes are kept up to date."""
        if len(minutes) and minutes[0] < start:
            raise ValueError(f"the minute {minutes[0]} is before {start}")
        row = bisect_left(self._minutes, start)
        del self._minutes[row:], self._good[row + 1 :], self._total[row + 1 :]
        self._append(minutes, good, total)

    def _append(self, minutes: Sequence[int], good: Sequence[int], total: Sequence[int]) -> None:
        good_before, total_before = self._good[-1], self._total[-1]
        latest = self._minutes[-1] if self._minutes else None
        for minute, good_now, total_now in zip(minutes, good, total, strict=True):
            if latest is not None and minute <= latest:
                raise ValueError(f"the minute {minute} follows {latest}")
            if not 0 <= good_now <= total_now:
                raise ImpossibleCountsError(f"{good_now} good of {total_now} in total in the minute {minute}")
            latest = minute
            good_before += good_now
            total_before += total_now
            self._minutes.append(minute)
            self._good.append(good_before)
            self._total.append(total_before)
