"""OpenSLO's rules for an SLI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.definitions.metadata_rules import check_metadata

if TYPE_CHECKING:
    from reporting.definitions.findings import Path
    from reporting.definitions.openslo import InlineSLI, Metric, RatioMetric, SLISpec
    from reporting.definitions.reporter import Reporter


def check_indicator(indicator: InlineSLI | None, reference: str | None, path: Path, report: Reporter) -> None:
    """Check an indicator given inline or by reference at `path`; neither is a matter of the SLO's rules."""
    if indicator is not None and reference is not None:
        report.exclusive({"indicator": True, "indicatorRef": True}, path)
        return
    if indicator is not None:
        check_metadata(indicator.metadata, (*path, "indicator", "metadata"), report)
        check_sli_spec(indicator.spec, (*path, "indicator", "spec"), report)
    if reference is not None:
        report.name(reference, (*path, "indicatorRef"))


def check_sli_spec(spec: SLISpec, path: Path, report: Reporter) -> None:
    report.description(spec.description, (*path, "description"))
    metrics = {"thresholdMetric": spec.threshold_metric is not None, "ratioMetric": spec.ratio_metric is not None}
    if not report.exclusive(metrics, path):
        return
    if spec.threshold_metric is not None:
        _check_metric(spec.threshold_metric, (*path, "thresholdMetric"), report)
    if spec.ratio_metric is not None:
        _check_ratio(spec.ratio_metric, (*path, "ratioMetric"), report)


def _check_ratio(ratio: RatioMetric, path: Path, report: Reporter) -> None:
    if not report.exclusive({"total": ratio.total is not None, "raw": ratio.raw is not None}, path):
        return
    parts = {"good": ratio.good is not None, "bad": ratio.bad is not None, "raw": ratio.raw is not None}
    if sum(parts.values()) > 1:
        report.exclusive(parts, path)
        return
    if ratio.total is not None and not (parts["good"] or parts["bad"]):
        report.error(path, "one_of_properties", "one of [bad, good] is required beside total")
        return
    for name, metric in {"total": ratio.total, "good": ratio.good, "bad": ratio.bad, "raw": ratio.raw}.items():
        if metric is not None:
            _check_metric(metric, (*path, name), report)
    if ratio.raw is not None and report.required(ratio.raw_type, (*path, "rawType")):
        report.one_of(ratio.raw_type, ("success", "failure"), (*path, "rawType"))


def _check_metric(metric: Metric, path: Path, report: Reporter) -> None:
    source = metric.metric_source
    path = (*path, "metricSource")
    if source is None or (not source.metric_source_ref and not source.type and source.spec is None):
        report.required(None, path)
        return
    if source.metric_source_ref:
        report.name(source.metric_source_ref, (*path, "metricSourceRef"))
    if source.spec is None:
        report.required(None, (*path, "spec"))
    elif not source.spec:
        report.error((*path, "spec"), "map_min_length", "is empty")
