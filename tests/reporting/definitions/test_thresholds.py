"""Thresholds on plain figures: the annotation, its mistakes, and what it comes to."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from reporting.definitions.export import export
from reporting.definitions.load import load
from tests.reporting.definitions.documents import BURN_POLICY, CHECKOUT, changed, yaml
from tests.reporting.definitions.places import CONDITION_PLACE, GOOD, POLICY_PLACE, RATIO, found

if TYPE_CHECKING:
    from reporting.slo.threshold_alert import ThresholdAlert
    from tests.reporting.definitions.documents import Plain

ANNOTATIONS = (*POLICY_PLACE, "metadata", "annotations")
WRITTEN = "spec.alertPolicies[0].metadata.annotations['slipstream/threshold']"


def asking(text: str, value: Plain = CHECKOUT, **condition: Any) -> Plain:
    given = BURN_POLICY["spec"]["conditions"][0]["spec"]["condition"] | {"threshold": 5, "lookbackWindow": "10m"}
    with_text = changed(value, *ANNOTATIONS, to={"slipstream/threshold": text})
    return changed(with_text, *CONDITION_PLACE, "condition", to=given | condition)


def only(value: Plain) -> ThresholdAlert:
    loaded = load(yaml(value))
    assert loaded.errors == []
    ((_, alert),) = loaded.definitions[0].thresholds
    return alert


@pytest.mark.parametrize(
    ("text", "error_ratio", "slower_than_ms", "inclusive"),
    [
        ("error_rate > 5%", Fraction(1, 20), None, False),
        ("error_rate >= 0.5 %", Fraction(1, 200), None, True),
        ("availability < 99.5%", Fraction(1, 200), None, False),
        ("availability <= target", None, None, True),
        ("p99 > 500ms", Fraction(1, 100), Decimal(500), False),
        ("p95>1.25s", Fraction(1, 20), Decimal(1_250), False),
        ("p50 >= 20ms", Fraction(1, 2), Decimal(20), False),
        ("p99 > target", Fraction(1, 100), Decimal(500), False),
    ],
)
def test_a_threshold_is_a_share_of_bad_events(
    text: str, error_ratio: Fraction | None, slower_than_ms: Decimal | None, inclusive: bool
) -> None:
    alert = only(asking(text, alertAfter="5m"))

    assert (alert.error_ratio, alert.slower_than_ms, alert.inclusive) == (error_ratio, slower_than_ms, inclusive)
    assert (alert.window, alert.hold, alert.severity) == (timedelta(minutes=10), timedelta(minutes=5), "page")


def test_a_policy_with_a_threshold_has_no_pair_of_windows_beside_it() -> None:
    (definition,) = load(yaml(asking("error_rate > 5%"))).definitions

    assert definition.policies[0].pairs == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a lot", "threshold"),
        ("p98 > 500ms", "threshold"),
        ("error_rate > 500ms", "threshold"),
        ("error_rate > 0%", "threshold"),
        ("availability < 100%", "threshold"),
        ("p99 > 5%", "threshold"),
        ("p99 > 1234.5ms", "inexact_threshold"),
        ("error_rate < 5%", "inverted_op"),
        ("availability > 99%", "inverted_op"),
        ("p99 <= 500ms", "inverted_op"),
    ],
)
def test_what_is_no_threshold_is_an_error_at_its_place(text: str, code: str) -> None:
    assert found(asking(text)) == [(WRITTEN, code, "error")]


def test_a_policy_has_pairs_or_a_threshold() -> None:
    both = changed(asking("error_rate > 5%"), *ANNOTATIONS, "slipstream/window-pairs", to="2% 1h/5m")

    assert found(both) == [(WRITTEN, "mutually_exclusive", "error")]


def test_a_percentile_of_an_slo_that_promises_no_duration_is_an_error_of_the_slo() -> None:
    of_status = changed(CHECKOUT, *GOOD, "spec", "filter", "duration_ms")

    assert found(asking("p99 > target", of_status)) == [("spec.alertPolicies[0]", "no_target", "error")]
    assert found(asking("p99 > 500ms", of_status)) == []


def test_events_have_no_percentiles() -> None:
    events = {
        name: {"metricSource": {"type": "slipstream", "spec": {"source": "events", "filter": {"type": kind}}}}
        for name, kind in {"good": "paid", "total": ["paid", "refused"]}.items()
    }

    assert found(asking("p99 > 1s", changed(CHECKOUT, *RATIO, to=events))) == [
        ("spec.alertPolicies[0]", "no_durations", "error")
    ]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (asking("error_rate > 5%", threshold=50), "threshold_disagrees"),
        (asking("error_rate > 5%", lookbackWindow="60d"), "window_too_long"),
    ],
)
def test_what_is_probably_not_meant_is_a_doubt(value: Plain, code: str) -> None:
    assert found(value) == [("spec.alertPolicies[0]", code, "warning")]


def test_it_is_exported_as_it_was_written() -> None:
    loaded = load(yaml(asking("p99 > target")))

    assert load(export(loaded.objects)).definitions[0].thresholds == loaded.definitions[0].thresholds
