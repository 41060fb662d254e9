"""How often a policy would have told somebody, had it been in force over stored minutes.

It is the same rules, state machine and inhibition as in operation, once a minute. Only the sums are taken all at once:
a month of four pairs is a fraction of a second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from reporting.slo.alert_group import KEEP_FIRING_FOR, observe_all
from reporting.slo.alert_state import AlertState
from reporting.slo.burn_rate_alert import AlertSeverity, fastest_first
from reporting.slo.counts import Counts
from reporting.slo.signals import Signal
from reporting.slo.significance import DEFAULT
from reporting.slo.windows import MINUTE, instant_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta

    from reporting.slo.alert_state import Alert
    from reporting.slo.burn_rate_alert import BurnRateAlert
    from reporting.slo.objective import Objective
    from reporting.slo.series import MinuteSeries
    from reporting.slo.significance import Significance
    from reporting.slo.threshold_alert import ThresholdAlert
    from reporting.slo.windows import CompliancePeriod

    _Watched = tuple[BurnRateAlert | ThresholdAlert, MinuteSeries]

_CLEAR, _OVER, _UNKNOWN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Page:
    """Somebody would have been told of `alert` at `at`; `until` is None when it burned to the end."""

    alert: BurnRateAlert | ThresholdAlert
    at: datetime
    until: datetime | None


def replay(
    alerts: tuple[BurnRateAlert, ...],
    objective: Objective,
    series: MinuteSeries,
    period: CompliancePeriod,
    *,
    significance: Significance = DEFAULT,
    keep_firing_for: timedelta = KEEP_FIRING_FOR,
    thresholds: Sequence[tuple[ThresholdAlert, MinuteSeries]] = (),
) -> list[Page]:
    """Return what would have been sent in a period, in order; windows look back before it, into what the series has.

    `series` is what the budget counts (`budget_series`); `thresholds` come with the events that each compares. Each minute is
    evaluated at its end.
    """
    start, end = period.minutes
    watched = _in_order([*((rule, series) for rule in fastest_first(alerts)), *thresholds])
    rules = [rule for rule, _ in watched]
    # The first window ends with the first minute.
    columns = [
        _signals(
            rule,
            objective,
            _running_sums(counted, start + 1 - rule.long_window // MINUTE, end),
            counted.scale,
            significance,
        )
        for rule, counted in watched
    ]
    standing: list[Alert | None] = [None] * len(rules)
    pages: list[Page] = []
    open_pages: dict[int, int] = {}
    quiet, idle = (Signal.CLEAR,) * len(rules), True
    for minute, signals in enumerate(zip(*columns, strict=True), start + 1):
        if idle and signals == quiet:
            continue
        now = instant_of(minute)
        observed = observe_all(rules, standing, signals, now=now, keep_firing_for=keep_firing_for)
        standing = [each.alert for each in observed]
        idle = all(alert is None or alert.over for alert in standing)
        for position, each in enumerate(observed):
            if each.change is None or not each.change.notify:
                continue
            if each.change.state is AlertState.FIRING:
                open_pages[position] = len(pages)
                pages.append(Page(rules[position], now, None))
            elif position in open_pages:
                number = open_pages.pop(position)
                pages[number] = replace(pages[number], until=now)
    return pages


def _in_order(watched: Sequence[_Watched]) -> list[_Watched]:
    """Put pages before tickets, and leave the rest as it is: a sort keeps the order of equals."""
    return sorted(watched, key=lambda each: each[0].severity is not AlertSeverity.PAGE)


def _signals(
    rule: BurnRateAlert | ThresholdAlert,
    objective: Objective,
    sums: tuple[list[int], list[int]],
    scale: int,
    significance: Significance,
) -> list[Signal]:
    """Return the alert's signal at the end of every minute, as `signals.signal` would give it.

    `sums` are running sums that begin where the first long window does.
    """
    bad, total = sums
    width = rule.long_window // MINUTE
    long = list(_answers(rule, objective, sums, width))
    if rule.short_window is None:
        short: Sequence[int] = long
    else:
        skipped = width - rule.short_window // MINUTE
        short = list(_answers(rule, objective, (bad[skipped:], total[skipped:]), rule.short_window // MINUTE))
    limit = rule.limit(objective)
    signals = [
        Signal.CLEAR if not (a and b) else Signal.BREACHING if a == b == _OVER else Signal.NO_DATA
        for a, b in zip(long, short, strict=True)
    ]
    for index, found in enumerate(signals):
        if found is Signal.BREACHING:
            total_now, bad_now = total[index + width] - total[index], bad[index + width] - bad[index]
            if not significance.enough(Counts(total_now - bad_now, total_now, scale), limit):
                signals[index] = Signal.LOW_TRAFFIC
    return signals


def _answers(
    rule: BurnRateAlert | ThresholdAlert, objective: Objective, sums: tuple[list[int], list[int]], width: int
) -> Iterator[int]:
    """Yield for every window of a width, from running sums, whether it is beyond the limit."""
    limit = rule.limit(objective)
    up, down = limit.numerator, limit.denominator
    # At the limit itself: beyond it for an inclusive alert. Integers: "at least" is "above one less".
    at_limit = 1 if rule.inclusive else 0
    bad, total = sums
    for bad_before, bad_after, total_before, total_after in zip(
        bad, islice(bad, width, None), total, islice(total, width, None), strict=False
    ):
        measured = total_after - total_before
        if not measured:
            yield _UNKNOWN
        else:
            yield _OVER if (bad_after - bad_before) * down + at_limit > measured * up else _CLEAR


def _running_sums(series: MinuteSeries, start: int, end: int) -> tuple[list[int], list[int]]:
    """Return the running sums of bad and total at every minute of `[start, end]`."""
    bad, total = [0] * (end - start + 1), [0] * (end - start + 1)
    for minute, good_now, total_now in series.rows(start, end):
        bad[minute - start + 1] = total_now - good_now
        total[minute - start + 1] = total_now
    for index in range(1, len(total)):
        bad[index] += bad[index - 1]
        total[index] += total[index - 1]
    return bad, total
