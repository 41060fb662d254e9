"""What Slipstream refuses by name, and what it doubts: path and code of each, in definitions OpenSLO accepts."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from reporting.definitions.load import load, validate
from tests.reporting.definitions.documents import (
    BURN_POLICY,
    CHECKOUT,
    changed,
    foreign,
    mistakes,
    ours,
    yaml,
)

if TYPE_CHECKING:
    from tests.reporting.definitions.documents import (
        Plain,
    )

Place = tuple[str | int, ...]

OBJECTIVE: Place = ("spec", "objectives", 0)
WINDOW: Place = ("spec", "timeWindow", 0)
RATIO: Place = ("spec", "indicator", "spec", "ratioMetric")
GOOD: Place = (*RATIO, "good", "metricSource")
POLICY: Place = ("spec", "alertPolicies", 0)
CONDITION: Place = (*POLICY, "spec", "conditions", 0, "spec")
PAIRS: Place = (*POLICY, "metadata", "annotations", "slipstream/window-pairs")
WRITTEN_PAIRS = "spec.alertPolicies[0].metadata.annotations['slipstream/window-pairs']"
WRITTEN_GOOD = "spec.indicator.spec.ratioMetric.good.metricSource"
CALENDAR: Plain = {"startTime": "2026-01-01 00:00:00", "timeZone": "Europe/Berlin"}


def found(value: Plain) -> list[tuple[str, str, str]]:
    return [(finding.path, finding.code, str(finding.severity)) for finding in validate(yaml(value))]


def test_the_example_of_the_contract_has_no_finding() -> None:
    assert found(CHECKOUT) == []


def sliced(**given: Any) -> Plain:
    objective = {"target": Decimal("0.99"), "timeSliceTarget": Decimal("0.9"), "timeSliceWindow": "1m"} | given
    return changed(changed(CHECKOUT, "spec", "budgetingMethod", to="Timeslices"), *OBJECTIVE, to=objective)


def alone(**given: Any) -> Plain:
    """The policy without the extension: its condition alone."""
    condition = BURN_POLICY["spec"]["conditions"][0]["spec"]["condition"] | given
    policy = changed(BURN_POLICY, "metadata", "annotations")
    return changed(CHECKOUT, *POLICY, to=changed(policy, *CONDITION[3:], "condition", to=condition))


@pytest.mark.parametrize(
    ("value", "path", "code"),
    [
        pytest.param(
            changed(
                changed(CHECKOUT, "spec", "indicator", "spec", to={"thresholdMetric": foreign("q")}),
                *OBJECTIVE,
                to={"target": Decimal("0.99"), "op": "lt", "value": 5},
            ),
            "spec.indicator.spec.thresholdMetric",
            "unsupported",
            id="thresholdMetric",
        ),
        pytest.param(
            changed(CHECKOUT, *RATIO, to={"rawType": "success", "raw": foreign("q")}),
            "spec.indicator.spec.ratioMetric.raw",
            "unsupported",
            id="raw",
        ),
        pytest.param(
            changed(changed(CHECKOUT, "spec", "indicator"), *OBJECTIVE, "indicatorRef", to="x"),
            "spec.objectives[0].indicatorRef",
            "unsupported",
            id="composite",
        ),
        pytest.param(
            changed(CHECKOUT, *OBJECTIVE, "compositeWeight", to=2),
            "spec.objectives[0].compositeWeight",
            "unsupported",
            id="weight",
        ),
        pytest.param(
            changed(CHECKOUT, "spec", "objectives", to=[{"target": Decimal("0.9")}, {"target": Decimal("0.99")}]),
            "spec.objectives",
            "unsupported",
            id="several objectives",
        ),
        pytest.param(
            sliced(timeSliceWindow="0m"),
            "spec.objectives[0].timeSliceWindow",
            "unsupported",
            id="slices under a minute",
        ),
        pytest.param(
            sliced(timeSliceWindow="2d"), "spec.objectives[0].timeSliceWindow", "unsupported", id="slices over a day"
        ),
        pytest.param(
            changed(CHECKOUT, *GOOD, "metricSourceRef", to="prometheus"),
            f"{WRITTEN_GOOD}.metricSourceRef",
            "unsupported",
            id="metricSourceRef",
        ),
        pytest.param(
            changed(CHECKOUT, *GOOD, "type", to="Prometheus"), f"{WRITTEN_GOOD}.type", "unsupported", id="another type"
        ),
        pytest.param(
            changed(CHECKOUT, *CONDITION, "severity", to="sev1"),
            "spec.alertPolicies[0].spec.conditions[0].spec.severity",
            "unsupported",
            id="another severity",
        ),
        pytest.param(
            changed(CHECKOUT, *WINDOW, to={"duration": "12h", "calendar": CALENDAR}),
            "spec.timeWindow[0].duration",
            "unsupported",
            id="a calendar of hours",
        ),
    ],
)
def test_what_is_not_supported_is_refused_by_name(value: Plain, path: str, code: str) -> None:
    assert mistakes(value) == []

    assert found(value) == [(path, code, "error")]


@pytest.mark.parametrize(
    ("value", "path", "code"),
    [
        pytest.param(
            changed(CHECKOUT, *WINDOW, "duration", to="1m"),
            "spec.timeWindow[0].duration",
            "minutes_for_months",
            id="1m where a month was meant",
        ),
        pytest.param(
            changed(CHECKOUT, *WINDOW, to={"duration": "1m", "calendar": CALENDAR}),
            "spec.timeWindow[0].duration",
            "minutes_for_months",
            id="1m of a calendar, as in OpenSLO's own example",
        ),
        pytest.param(
            changed(CHECKOUT, *WINDOW, "duration", to="0w"), "spec.timeWindow[0].duration", "window_length", id="0w"
        ),
        pytest.param(
            changed(CHECKOUT, *WINDOW, "duration", to="2Y"), "spec.timeWindow[0].duration", "window_length", id="2Y"
        ),
        pytest.param(
            changed(CHECKOUT, *OBJECTIVE, "target", to=Decimal("0.0")),
            "spec.objectives[0].target",
            "target_of_zero",
            id="a target of 0",
        ),
        pytest.param(
            changed(CHECKOUT, *OBJECTIVE, "target", to=Decimal("0.9999999999")),
            "spec.objectives[0].target",
            "too_precise",
            id="ten nines",
        ),
        pytest.param(
            changed(CHECKOUT, *OBJECTIVE, "target", to=1), "spec.objectives[0].target", "less_than", id="a target of 1"
        ),
        pytest.param(
            changed(CHECKOUT, *CONDITION, "condition", "op", to="lte"),
            "spec.alertPolicies[0].spec.conditions[0].spec.condition.op",
            "inverted_op",
            id="inverted op, as in OpenSLO's own example",
        ),
        pytest.param(
            changed(CHECKOUT, *CONDITION, "condition", "threshold", to=0),
            "spec.alertPolicies[0].spec.conditions[0].spec.condition.threshold",
            "threshold",
            id="a threshold of 0",
        ),
        pytest.param(
            alone(lookbackWindow="0m"),
            "spec.alertPolicies[0].spec.conditions[0].spec.condition.lookbackWindow",
            "window_length",
            id="a window of nothing",
        ),
        pytest.param(changed(CHECKOUT, *PAIRS, to="2% 5m/1h"), WRITTEN_PAIRS, "short_window_longer", id="5m/1h"),
        pytest.param(changed(CHECKOUT, *PAIRS, to="2% 1h/1h"), WRITTEN_PAIRS, "short_window_longer", id="1h/1h"),
        pytest.param(changed(CHECKOUT, *PAIRS, to="a lot"), WRITTEN_PAIRS, "pairs", id="no pairs"),
        pytest.param(changed(CHECKOUT, *PAIRS, to="0% 1h/5m"), WRITTEN_PAIRS, "pairs", id="nothing spent"),
        pytest.param(changed(CHECKOUT, *PAIRS, to="200% 1h/5m"), WRITTEN_PAIRS, "pairs", id="more than all"),
        pytest.param(changed(CHECKOUT, *PAIRS, to="2% 3M/5m"), WRITTEN_PAIRS, "pairs", id="three months"),
        pytest.param(changed(CHECKOUT, *PAIRS, to="2% 1h/x"), WRITTEN_PAIRS, "pairs", id="no window"),
        pytest.param(
            changed(CHECKOUT, *PAIRS, to="5% 6h/30m"), WRITTEN_PAIRS, "pairs_disagree", id="not the condition's window"
        ),
        pytest.param(
            changed(CHECKOUT, *PAIRS, to="10x 1h/5m"), WRITTEN_PAIRS, "pairs_disagree", id="not the condition's rate"
        ),
        pytest.param(
            changed(CHECKOUT, *POLICY, "metadata", "annotations", "slipstream/window-pair", to="2% 1h/5m"),
            "spec.alertPolicies[0].metadata.annotations['slipstream/window-pair']",
            "unknown_annotation",
            id="misspelt annotation",
        ),
        pytest.param(
            changed(CHECKOUT, *GOOD, "spec", "filter", "duration_ms", to="<1234.5"),
            f"{WRITTEN_GOOD}.spec.filter.duration_ms",
            "inexact_threshold",
            id="a latency of more than three digits",
        ),
        pytest.param(
            changed(CHECKOUT, *GOOD, "spec", "filter", "rout", to="/pay"),
            f"{WRITTEN_GOOD}.spec.filter.rout",
            "unknown_filter",
            id="unknown filter",
        ),
        pytest.param(
            changed(CHECKOUT, *GOOD, "spec", "filter", "route"),
            f"{WRITTEN_GOOD}.spec.filter",
            "not_a_subset",
            id="good of every route",
        ),
        pytest.param(
            changed(CHECKOUT, *GOOD, "spec", "source", to="events"),
            f"{WRITTEN_GOOD}.spec.filter.duration_ms",
            "unknown_filter",
            id="filters of another source",
        ),
        pytest.param(
            changed(CHECKOUT, *GOOD, "spec", to={"source": "events", "filter": {"type": "paid"}}),
            f"{WRITTEN_GOOD}.spec.source",
            "not_a_subset",
            id="good of another source",
        ),
        pytest.param(
            changed(CHECKOUT, *GOOD, "spec", "source", to="logs"), f"{WRITTEN_GOOD}.spec.source", "one_of", id="source"
        ),
        pytest.param(
            changed(CHECKOUT, *GOOD, "spec", "source"), f"{WRITTEN_GOOD}.spec.source", "required", id="no source"
        ),
        pytest.param(
            changed(CHECKOUT, *GOOD, "spec", "query", to="x"), f"{WRITTEN_GOOD}.spec.query", "unknown_field", id="query"
        ),
        pytest.param(
            changed(CHECKOUT, *GOOD, "spec", "filter", to="x"), f"{WRITTEN_GOOD}.spec.filter", "type", id="no mapping"
        ),
        pytest.param(
            changed(CHECKOUT, "spec", "indicatorRef", to="x"), "spec", "mutually_exclusive", id="two indicators"
        ),
        pytest.param(
            changed(changed(CHECKOUT, "spec", "indicator"), "spec", "indicatorRef", to="x"),
            "spec.indicatorRef",
            "unknown_reference",
            id="unknown SLI",
        ),
    ],
)
def test_what_nobody_means_is_an_error(value: Plain, path: str, code: str) -> None:
    assert (path, code, "error") in found(value)
    assert {place for place, _, _ in found(value)} == {path} or code == "unknown_filter"


@pytest.mark.parametrize(
    ("value", "path", "code"),
    [
        pytest.param(
            changed(CHECKOUT, *OBJECTIVE, "target", to=Decimal("0.9")),
            "spec.alertPolicies[0]",
            "impossible_alert",
            id="14.4 at 90 %",
        ),
        pytest.param(
            changed(CHECKOUT, *WINDOW, "duration", to="3h"), "spec.alertPolicies[0]", "window_too_long", id="6h of 3h"
        ),
        pytest.param(
            changed(CHECKOUT, *CONDITION, "condition", "threshold", to=2),
            "spec.alertPolicies[0]",
            "threshold_disagrees",
            id="2 % in 1h is 14.4, and not 2",
        ),
        pytest.param(changed(CHECKOUT, "spec", "alertPolicies"), "spec.alertPolicies", "no_alerts", id="no alerts"),
        pytest.param(
            changed(CHECKOUT, *RATIO, to={"good": ours(service="a"), "total": ours(service="a")}),
            f"{WRITTEN_GOOD}.spec.filter",
            "part_is_total",
            id="always perfect",
        ),
    ],
)
def test_what_is_probably_not_meant_is_a_warning_and_can_be_applied(value: Plain, path: str, code: str) -> None:
    assert (path, code, "warning") in found(value)
    assert [each for each in found(value) if each[2] == "error"] == []
    assert len(load(yaml(value)).definitions) == 1


def test_an_alert_that_can_never_fire_says_why() -> None:
    (finding,) = validate(yaml(changed(CHECKOUT, *OBJECTIVE, "target", to=Decimal("0.9"))))

    assert finding.message == (
        "budget-page can never fire over 1h: at a target of 0.9 a burn rate of 14.4 would be 144 % of errors"
    )
    assert finding.line is not None


def test_a_month_of_28_days_is_no_disagreement() -> None:
    assert found(changed(CHECKOUT, *WINDOW, "duration", to="4w")) == []


def test_every_mistake_of_every_object_is_told_at_once_in_the_order_of_the_text() -> None:
    broken = changed(changed(CHECKOUT, *OBJECTIVE, "target", to=7), "spec", "service")
    text = yaml(broken, {"apiVersion": "openslo/v1", "kind": "DataSource", "metadata": {"name": "x"}}) + "\n---\n- 5\n"

    findings = validate(text)

    assert [(finding.document, finding.path, finding.code) for finding in findings] == [
        ("SLO checkout", "spec.service", "required"),
        ("SLO checkout", "spec.objectives[0].target", "less_than"),
        ("#2", "kind", "unsupported"),
        ("#3[0]", "", "type"),
    ]
    lines = [finding.line for finding in findings if finding.line is not None]
    assert sorted(lines) == lines
    assert len(lines) == 4


def test_a_finding_says_where_it_is_in_the_text() -> None:
    text = yaml(CHECKOUT).replace("target: 0.99", "target: 99.9")

    (finding,) = validate(text)

    assert text.splitlines()[(finding.line or 0) - 1].strip() == "target: 99.9"
    assert str(finding).startswith(f"line {finding.line}: SLO checkout spec.objectives[0].target: is below 1")


@pytest.mark.parametrize(
    ("path", "to", "expected"),
    [
        (OBJECTIVE, 5, "spec.objectives[0]"),
        ((*OBJECTIVE, "target"), "0.99", "spec.objectives[0].target"),
        ((*OBJECTIVE, "target"), True, "spec.objectives[0].target"),
        (("spec",), [], "spec"),
        (("metadata", "name"), 5, "metadata.name"),
        (("metadata", "annotations"), {"a": 5}, "metadata.annotations.a"),
        (("spec", "alertPolicies"), {}, "spec.alertPolicies"),
        ((*GOOD, "spec"), "query", f"{WRITTEN_GOOD}.spec"),
        ((*WINDOW, "isRolling"), "yes", "spec.timeWindow[0].isRolling"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_once(path: Place, to: Any, expected: str) -> None:
    assert found(changed(CHECKOUT, *path, to=to)) == [(expected, "type", "error")]


def test_a_misspelt_field_is_told_its_likely_name() -> None:
    (finding,) = validate(yaml(changed(CHECKOUT, "spec", "alertPolicy", to=[])))

    assert (finding.path, finding.code) == ("spec.alertPolicy", "unknown_field")
    assert "alertPolicies" in finding.message


@pytest.mark.parametrize(("text", "code"), [("", "required"), ("a: [", "yaml"), ("5", "type"), ("{}", "required")])
def test_a_text_without_an_object_is_told_so(text: str, code: str) -> None:
    assert [finding.code for finding in validate(text)] == [code]
