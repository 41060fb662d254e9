"""Builds an indicator out of an SLI, and refuses by name what Slipstream does not measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.domain.filters import FilterError, Source, parse
from reporting.definitions.definition import Indicator

if TYPE_CHECKING:
    from app.domain.filters import Filter
    from reporting.definitions.findings import Path
    from reporting.definitions.openslo import Metric, SLISpec
    from reporting.definitions.reporter import Reporter

TYPE = "slipstream"
_SOURCES = tuple(source.value for source in Source)


def build_indicator(name: str, spec: SLISpec, path: Path, report: Reporter) -> Indicator | None:
    """Return the indicator, or None after reporting why there is none; the SLI keeps OpenSLO's rules."""
    if spec.threshold_metric is not None:
        message = "thresholdMetric is not supported: count the good and the total events (ratioMetric with a filter)"
        report.error((*path, "thresholdMetric"), "unsupported", message)
        return None
    ratio = spec.ratio_metric
    if ratio is None:
        return None
    path = (*path, "ratioMetric")
    if ratio.raw is not None:
        message = "raw is not supported: a stored ratio cannot be added up over windows; give good and total"
        report.error((*path, "raw"), "unsupported", message)
        return None
    name_of_part, part = ("good", ratio.good) if ratio.good is not None else ("bad", ratio.bad)
    counted = _filter(part, (*path, name_of_part), report)
    total = _filter(ratio.total, (*path, "total"), report)
    if counted is None or total is None:
        return None
    if not _is_part(counted, total, name_of_part, path, report):
        return None
    good = counted if name_of_part == "good" else None
    return Indicator(name=name, total=total, good=good, bad=None if good else counted)


def _is_part(counted: Filter, total: Filter, name: str, path: Path, report: Reporter) -> bool:
    place = (*path, name, "metricSource", "spec")
    if counted.source is not total.source:
        report.error((*place, "source"), "not_a_subset", f"counts {counted.source}, and total counts {total.source}")
        return False
    if total.source is Source.REQUESTS and counted.names("account_id") and not total.names("account_id"):
        message = (
            "account_id is asked for here and not in total: requests of one account are counted apart from those of all"
        )
        report.error((*place, "filter", "account_id"), "unsupported", message)
        return False
    beyond = counted.beyond(total)
    for field in beyond:
        message = f"what is {name} is not always in total, which asks for {field}; ask for the same or for less here"
        report.error((*place, "filter"), "not_a_subset", message)
    if counted == total:
        what = "100 %" if name == "good" else "0 %"
        report.warning((*place, "filter"), "part_is_total", f"is the same as total: the SLI is always {what}")
    return not beyond


def _filter(metric: Metric | None, path: Path, report: Reporter) -> Filter | None:
    source = None if metric is None else metric.metric_source
    if source is None:
        return None
    path = (*path, "metricSource")
    if source.metric_source_ref:
        message = f"metricSourceRef is not supported: Slipstream reads no other data source; give type: {TYPE}"
        report.error((*path, "metricSourceRef"), "unsupported", message)
        return None
    if source.type != TYPE:
        given = f"the type {source.type!r}" if source.type else "a source without a type"
        report.error((*path, "type"), "unsupported", f"{given} is not supported, only {TYPE}")
        return None
    return _parsed(source.spec or {}, (*path, "spec"), report)


def _parsed(spec: dict[str, Any], path: Path, report: Reporter) -> Filter | None:
    for key in spec:
        if key not in {"source", "filter"}:
            report.error((*path, key), "unknown_field", f"there is no {key} here, only source and filter")
    source, conditions = spec.get("source"), spec.get("filter", {})
    if not report.required(source, (*path, "source")):
        return None
    if not report.one_of(str(source), _SOURCES, (*path, "source")):
        return None
    if not isinstance(conditions, dict):
        report.error((*path, "filter"), "type", "is a mapping of fields")
        return None
    try:
        return parse(Source(str(source)), conditions)
    except FilterError as error:
        for problem in error.problems:
            report.error((*path, "filter", problem.field), problem.code, problem.message)
        return None
