"""A histogram that takes many equal observations at once, which the library's own does not."""

from __future__ import annotations

from bisect import bisect_left

from prometheus_client import Histogram


class CountedHistogram(Histogram):
    def observe_many(self, amount: float, times: int) -> None:
        """Observe the same amount several times."""
        self._sum.inc(amount * times)
        self._buckets[bisect_left(self._upper_bounds, amount)].inc(times)
