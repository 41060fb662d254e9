"""OpenSLO's own rules for SLOs, case by case as its SDK for Go tests them: path and code of every mistake.

Retyped from https://github.com/OpenSLO/go-sdk pkg/openslo/v1/slo_test.go (Apache-2.0). Where a case differs here
it says why.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.reporting.definitions.documents import (
    BY_REFERENCE,
    COMPOSITE,
    CONDITION,
    INLINE_POLICY,
    OBJECTIVE,
    SLO,
    THRESHOLD_SLO,
    changed,
    mistakes,
)

if TYPE_CHECKING:
    from tests.reporting.definitions.documents import (
        Plain,
    )

SLO_CASES: list[tuple[str, Plain, list[tuple[str, str]]]] = [
    ("empty spec", changed(SLO, "spec", to={}), [("spec", "required")]),
    ("missing spec", changed(SLO, "spec"), [("spec", "required")]),
    (
        "invalid budgetingMethod",
        changed(SLO, "spec", "budgetingMethod", to="invalid"),
        [("spec.budgetingMethod", "one_of")],
    ),
    ("missing service", changed(SLO, "spec", "service"), [("spec.service", "required")]),
    ("no indicator at all", changed(SLO, "spec", "indicator"), [("spec", "mutually_exclusive")]),
    (
        "indicator in spec and in an objective",
        changed(COMPOSITE, "spec", "indicatorRef", to="my-sli"),
        [("spec", "mutually_exclusive")],
    ),
    (
        "indicator and indicatorRef",
        changed(SLO, "spec", "indicatorRef", to="my-sli"),
        [("spec", "mutually_exclusive")],
    ),
    (
        "invalid indicatorRef",
        changed(BY_REFERENCE, "spec", "indicatorRef", to="my sli"),
        [("spec.indicatorRef", "string_dns_label")],
    ),
    (
        "invalid indicatorRef of an objective",
        changed(COMPOSITE, *OBJECTIVE, "indicatorRef", to="my sli"),
        [("spec.objectives[0].indicatorRef", "string_dns_label")],
    ),
    ("missing timeWindow", changed(SLO, "spec", "timeWindow"), [("spec.timeWindow", "slice_length")]),
    (
        "too many timeWindows",
        changed(SLO, "spec", "timeWindow", to=SLO["spec"]["timeWindow"] * 2),
        [("spec.timeWindow", "slice_length")],
    ),
    (
        "missing duration",
        changed(SLO, "spec", "timeWindow", 0, "duration"),
        [("spec.timeWindow[0].duration", "required")],
    ),
    (
        "calendar set when isRolling is true",
        changed(SLO, "spec", "timeWindow", 0, "isRolling", to=True),
        [("spec.timeWindow[0]", "calendar")],
    ),
    (
        "calendar missing when isRolling is false",
        changed(SLO, "spec", "timeWindow", 0, "calendar"),
        [("spec.timeWindow[0]", "calendar")],
    ),
    (
        "invalid startTime",
        changed(SLO, "spec", "timeWindow", 0, "calendar", "startTime", to="yesterday"),
        [("spec.timeWindow[0].calendar.startTime", "string_date_time")],
    ),
    (
        "invalid timeZone",
        changed(SLO, "spec", "timeWindow", 0, "calendar", "timeZone", to="Berlin"),
        [("spec.timeWindow[0].calendar.timeZone", "string_time_zone")],
    ),
    (
        "both target and targetPercent are missing",
        changed(SLO, *OBJECTIVE, "target"),
        [("spec.objectives[0]", "mutually_exclusive")],
    ),
    (
        "both target and targetPercent are set",
        changed(SLO, *OBJECTIVE, "targetPercent", to=10),
        [("spec.objectives[0]", "mutually_exclusive")],
    ),
    (
        "empty operator and value for threshold SLO",
        changed(changed(THRESHOLD_SLO, *OBJECTIVE, "op"), *OBJECTIVE, "value"),
        [("spec.objectives[0].op", "required"), ("spec.objectives[0].value", "required")],
    ),
    (
        "invalid operator",
        changed(THRESHOLD_SLO, *OBJECTIVE, "op", to="lessThan"),
        [("spec.objectives[0].op", "one_of")],
    ),
    (
        "operator and value for ratio SLO",
        changed(changed(SLO, *OBJECTIVE, "op", to="gt"), *OBJECTIVE, "value", to=1),
        [("spec.objectives[0].op", "forbidden"), ("spec.objectives[0].value", "forbidden")],
    ),
    (
        "missing timeSliceTarget",
        changed(SLO, *OBJECTIVE, "timeSliceTarget"),
        [("spec.objectives[0].timeSliceTarget", "required")],
    ),
    (
        "missing timeSliceWindow",
        changed(SLO, *OBJECTIVE, "timeSliceWindow"),
        [("spec.objectives[0].timeSliceWindow", "required")],
    ),
    (
        "policy both ref and inline",
        changed(SLO, "spec", "alertPolicies", 0, to=INLINE_POLICY | {"alertPolicyRef": "x"}),
        [("spec.alertPolicies[0]", "mutually_exclusive")],
    ),
    (
        "policy ref empty",
        changed(SLO, "spec", "alertPolicies", 0, "alertPolicyRef", to=""),
        [("spec.alertPolicies[0].alertPolicyRef", "required")],
    ),
    (
        "invalid policy ref",
        changed(SLO, "spec", "alertPolicies", 0, "alertPolicyRef", to="invalid ref"),
        [("spec.alertPolicies[0].alertPolicyRef", "string_dns_label")],
    ),
    (
        "invalid inline kind",
        changed(SLO, "spec", "alertPolicies", 0, to=INLINE_POLICY | {"kind": "DataSource"}),
        [("spec.alertPolicies[0].kind", "equal_to")],
    ),
    (
        "metadata of an inline policy",
        changed(SLO, "spec", "alertPolicies", 0, to=INLINE_POLICY | {"metadata": {"name": "NO"}}),
        [("spec.alertPolicies[0].metadata.name", "string_dns_label")],
    ),
    (
        "no conditions in an inline policy",
        changed(
            changed(SLO, "spec", "alertPolicies", 0, to=INLINE_POLICY), "spec", "alertPolicies", 0, "spec", "conditions"
        ),
        [("spec.alertPolicies[0].spec.conditions", "slice_length")],
    ),
]


@pytest.mark.parametrize(
    ("value", "expected"), [pytest.param(value, found, id=name) for name, value, found in SLO_CASES]
)
def test_slo(value: Plain, expected: list[tuple[str, str]]) -> None:
    assert mistakes(value) == expected


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("target", "0.0", None),
        ("target", "0.9999", None),
        ("target", "1.0", "less_than"),
        ("target", "-0.1", "greater_than_or_equal_to"),
        ("targetPercent", "0.0", None),
        ("targetPercent", "0.9999", None),
        ("targetPercent", "99.9999", None),
        ("targetPercent", "100.0", "less_than"),
        ("targetPercent", "-0.1", "greater_than_or_equal_to"),
        ("timeSliceTarget", "0.1", None),
        ("timeSliceTarget", "1.0", None),
        ("timeSliceTarget", "0", "greater_than"),
        ("timeSliceTarget", "1.1", "less_than_or_equal_to"),
    ],
)
def test_targets(field: str, value: str, code: str | None) -> None:
    base = changed(SLO, *OBJECTIVE, "target") if field == "targetPercent" else SLO

    found = mistakes(changed(base, *OBJECTIVE, field, to=Decimal(value)))

    assert found == ([(f"spec.objectives[0].{field}", code)] if code else [])


@pytest.mark.parametrize(
    ("weight", "code"), [("20.0", None), ("999999999999.9999", None), ("0.0", "greater_than"), ("-2.0", "greater_than")]
)
def test_composite_weights(weight: str, code: str | None) -> None:
    found = mistakes(changed(COMPOSITE, *OBJECTIVE, "compositeWeight", to=Decimal(weight)))

    assert found == ([("spec.objectives[0].compositeWeight", code)] if code else [])


@pytest.mark.parametrize("method", ["Occurrences", "Timeslices", "RatioTimeslices"])
def test_every_budgeting_method(method: str) -> None:
    value = changed(SLO, "spec", "budgetingMethod", to=method)
    no_target, no_window = (changed(value, *OBJECTIVE, f"timeSlice{name}") for name in ("Target", "Window"))

    assert mistakes(value) == []
    assert bool(mistakes(no_target)) is (method == "Timeslices")
    assert bool(mistakes(no_window)) is (method != "Occurrences")


DURATIONS = [("spec", "timeWindow", 0, "duration"), (*OBJECTIVE, "timeSliceWindow")]


@pytest.mark.parametrize("text", ["0w", "10m", "5h", "2d", "1w", "3M", "1Q", "1Y"])
def test_durations(text: str) -> None:
    assert [mistakes(changed(SLO, *path, to=text)) for path in DURATIONS] == [[], []]
    assert [
        mistakes(changed(CONDITION, "spec", "condition", field, to=text)) for field in ("lookbackWindow", "alertAfter")
    ] == [[], []]


@pytest.mark.parametrize("text", ["invalid", "-1m", "1", "m", "1invalid", "1 m", "1.5h", "1S", "999999999Y", " 1m"])
def test_texts_that_are_no_durations(text: str) -> None:
    """The SDK says unit and value, of a duration it has decoded; a number alone is minutes only for a slice."""
    assert mistakes(changed(SLO, *DURATIONS[0], to=text)) == [("spec.timeWindow[0].duration", "duration")]
    expected = [] if text == "1" else [("spec.objectives[0].timeSliceWindow", "duration")]
    assert mistakes(changed(SLO, *DURATIONS[1], to=text)) == expected
