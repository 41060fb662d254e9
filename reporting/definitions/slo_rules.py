"""OpenSLO's rules for an SLO."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from app.domain.calendar import UnknownZoneError, zone_named
from reporting.definitions.alert_rules import OPERATORS, check_policy_item
from reporting.definitions.sli_rules import check_indicator

if TYPE_CHECKING:
    from reporting.definitions.findings import Path
    from reporting.definitions.openslo import Calendar, Objective, SLOSpec, TimeWindow
    from reporting.definitions.reporter import Reporter

METHODS = ("Occurrences", "Timeslices", "RatioTimeslices")
START_TIME = "%Y-%m-%d %H:%M:%S"


def is_composite(spec: SLOSpec) -> bool:
    """Say whether indicators are given by the objectives instead of the SLO."""
    return any(each.indicator is not None or each.indicator_ref is not None for each in spec.objectives)


def check_slo_spec(spec: SLOSpec, path: Path, report: Reporter) -> None:
    report.description(spec.description, (*path, "description"))
    report.required(spec.service, (*path, "service"))
    if report.required(spec.budgeting_method, (*path, "budgetingMethod")):
        report.one_of(spec.budgeting_method, METHODS, (*path, "budgetingMethod"))
    _check_indicators(spec, path, report)
    if len(spec.time_window) != 1:
        report.error((*path, "timeWindow"), "slice_length", "is a list of exactly one window")
    else:
        _check_time_window(spec.time_window[0], (*path, "timeWindow", 0), report)
    report.required(spec.objectives, (*path, "objectives"))
    for index, objective in enumerate(spec.objectives):
        _check_objective(objective, spec, (*path, "objectives", index), report)
    for index, policy in enumerate(spec.alert_policies):
        check_policy_item(policy, (*path, "alertPolicies", index), report)


def _check_indicators(spec: SLOSpec, path: Path, report: Reporter) -> None:
    here = spec.indicator is not None or spec.indicator_ref is not None
    if here is is_composite(spec):
        found = "both are" if here else "there is none"
        message = f"indicator or indicatorRef is given here, or by each objective of a composite SLO; {found}"
        report.error(path, "mutually_exclusive", message)
        return
    check_indicator(spec.indicator, spec.indicator_ref, path, report)


def _check_time_window(window: TimeWindow, path: Path, report: Reporter) -> None:
    if report.required(window.duration, (*path, "duration")):
        report.duration(window.duration, (*path, "duration"))
    if window.is_rolling and window.calendar is not None:
        report.error(path, "calendar", "a rolling window has no calendar")
    if not window.is_rolling and window.calendar is None:
        report.error(path, "calendar", "a window is rolling (isRolling: true) or has a calendar")
    if window.calendar is not None:
        _check_calendar(window.calendar, (*path, "calendar"), report)


def _check_calendar(calendar: Calendar, path: Path, report: Reporter) -> None:
    try:
        datetime.strptime(calendar.start_time, START_TIME)  # noqa: DTZ007 - Its zone is the field beside it.
    except ValueError:
        message = f"is a time like 2026-01-01 00:00:00, not {calendar.start_time!r}"
        report.error((*path, "startTime"), "string_date_time", message)
    try:
        zone_named(calendar.time_zone)
    except UnknownZoneError as error:
        report.error((*path, "timeZone"), "string_time_zone", str(error))


def _check_objective(objective: Objective, spec: SLOSpec, path: Path, report: Reporter) -> None:
    targets = {"target": objective.target is not None, "targetPercent": objective.target_percent is not None}
    if report.exclusive(targets, path):
        _check_target(objective, path, report)
    _check_slices(objective, spec.budgeting_method, path, report)
    check_indicator(objective.indicator, objective.indicator_ref, path, report)
    if objective.composite_weight is not None and objective.composite_weight <= 0:
        report.error((*path, "compositeWeight"), "greater_than", "is above 0")
    if objective.op and objective.op not in OPERATORS:
        report.one_of(objective.op, OPERATORS, (*path, "op"))
    if spec.indicator is None:
        return
    if spec.indicator.spec.ratio_metric is not None:
        for name, value in {"value": objective.value, "op": objective.op or None}.items():
            if value is not None:
                report.error((*path, name), "forbidden", "belongs to thresholdMetric, and this is a ratioMetric")
    elif spec.indicator.spec.threshold_metric is not None:
        if objective.value is None:
            report.required(None, (*path, "value"))
        report.required(objective.op, (*path, "op"))


def _check_target(objective: Objective, path: Path, report: Reporter) -> None:
    value, name, whole = objective.target, "target", 1
    if value is None:
        value, name, whole = objective.target_percent, "targetPercent", 100
    if value is not None and value < 0:
        report.error((*path, name), "greater_than_or_equal_to", "is not below 0")
    if value is not None and value >= whole:
        message = f"is below {whole}: a target of {whole} leaves no budget, and is missed by the first bad event"
        report.error((*path, name), "less_than", message)


def _check_slices(objective: Objective, method: str, path: Path, report: Reporter) -> None:
    target, window = objective.time_slice_target, objective.time_slice_window
    if method == "Timeslices":
        if target is None:
            report.required(None, (*path, "timeSliceTarget"))
        elif target <= 0:
            report.error((*path, "timeSliceTarget"), "greater_than", "is above 0")
        elif target > 1:
            report.error((*path, "timeSliceTarget"), "less_than_or_equal_to", "is at most 1")
    if method in {"Timeslices", "RatioTimeslices"}:
        if window is None:
            report.required(None, (*path, "timeSliceWindow"))
        else:
            slice_window(window, (*path, "timeSliceWindow"), report)


def slice_window(window: str | int, path: Path, report: Reporter) -> None:
    """Check the width of a slice; a number alone is minutes."""
    report.duration(f"{window}m" if isinstance(window, int) or window.isdecimal() else window, path)
