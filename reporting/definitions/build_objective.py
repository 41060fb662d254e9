"""Builds the window and the objective of an SLO."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.domain.calendar import Calendar, Unit
from reporting.definitions.durations import DurationError, parse_duration
from reporting.definitions.slo_rules import START_TIME, is_composite
from reporting.slo.objective import MINUTES_OF_A_DAY, BudgetingMethod, Objective
from reporting.slo.windows import MINUTE, CalendarWindow, RollingWindow

if TYPE_CHECKING:
    from decimal import Decimal

    from reporting.definitions import openslo
    from reporting.definitions.findings import Path
    from reporting.definitions.reporter import Reporter
    from reporting.slo.windows import Window

_METHODS = {
    "Occurrences": BudgetingMethod.OCCURRENCES,
    "Timeslices": BudgetingMethod.TIMESLICES,
    "RatioTimeslices": BudgetingMethod.RATIO_TIMESLICES,
}
_UNITS = {"d": Unit.DAY, "w": Unit.WEEK, "M": Unit.MONTH, "Q": Unit.QUARTER, "Y": Unit.YEAR}
_SHORTEST, _LONGEST = timedelta(hours=1), timedelta(days=366)
_MOST_DECIMALS = 9
"""Of a target: 99.9999999 % is 3 ms a year. More is a slip of the finger."""


def build_window(spec: openslo.SLOSpec, path: Path, report: Reporter) -> Window | None:
    """Return the window, or None after reporting why there is none; the SLO keeps OpenSLO's rules."""
    written = spec.time_window[0]
    path = (*path, "timeWindow", 0)
    duration = parse_duration(written.duration)
    if duration.unit == "m":
        message = f"{duration} is {duration.value} minutes; a month is written {duration.value}M"
        report.error((*path, "duration"), "minutes_for_months", message)
        return None
    if not _SHORTEST <= duration.length <= _LONGEST:
        report.error((*path, "duration"), "window_length", f"a window lasts from an hour to a year, not {duration}")
        return None
    if written.calendar is None:
        return RollingWindow(duration.length)
    if duration.unit not in _UNITS:
        report.error((*path, "duration"), "unsupported", f"a calendar window is of days or longer, not {duration}")
        return None
    anchor = datetime.strptime(written.calendar.start_time, START_TIME)  # noqa: DTZ007 - Its zone is beside it.
    return CalendarWindow(Calendar(_UNITS[duration.unit], written.calendar.time_zone, duration.value, anchor))


def build_objective(spec: openslo.SLOSpec, path: Path, report: Reporter) -> Objective | None:
    """Return the objective, or None after reporting why there is none; the SLO keeps OpenSLO's rules."""
    path = (*path, "objectives")
    if is_composite(spec):
        for index, each in enumerate(spec.objectives):
            name = "indicator" if each.indicator is not None else "indicatorRef"
            if each.indicator is not None or each.indicator_ref is not None:
                message = "composite SLOs are not supported: write one SLO for each indicator"
                report.error((*path, index, name), "unsupported", message)
        return None
    if len(spec.objectives) != 1:
        report.error(path, "unsupported", "several objectives are not supported: write one SLO for each target")
        return None
    written = spec.objectives[0]
    path = (*path, 0)
    method = _METHODS[spec.budgeting_method]
    target = _target(written, path, report)
    width = _slice_minutes(written, method, path, report)
    if written.composite_weight is not None:
        report.error(
            (*path, "compositeWeight"), "unsupported", "composite SLOs are not supported: leave the weight out"
        )
    if target is None or width is None:
        return None
    slice_target = written.time_slice_target if method is BudgetingMethod.TIMESLICES else None
    return Objective(target=target, method=method, slice_target=slice_target, slice_minutes=width)


def _target(written: openslo.Objective, path: Path, report: Reporter) -> Decimal | None:
    name, target = "target", written.target
    if target is None and written.target_percent is not None:
        name, target = "targetPercent", written.target_percent.scaleb(-2)
    if target is None:
        return None
    if target == 0:
        report.error((*path, name), "target_of_zero", "a target of 0 promises nothing")
        return None
    exponent = target.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > _MOST_DECIMALS:
        report.error((*path, name), "too_precise", f"has more than {_MOST_DECIMALS} decimals as a ratio")
        return None
    return target


def _slice_minutes(written: openslo.Objective, method: BudgetingMethod, path: Path, report: Reporter) -> int | None:
    window = written.time_slice_window
    if method is BudgetingMethod.OCCURRENCES or window is None:
        return 1
    path = (*path, "timeSliceWindow")
    text = f"{window}m" if isinstance(window, int) or window.isdecimal() else window
    try:
        minutes = parse_duration(text).length // MINUTE
    except DurationError as error:
        report.error(path, "duration", str(error))
        return None
    if minutes < 1:
        report.error(path, "unsupported", "slices under a minute are not supported: counts are kept by the minute")
        return None
    if minutes > MINUTES_OF_A_DAY:
        report.error(path, "unsupported", "slices over a day are not supported")
        return None
    return minutes
