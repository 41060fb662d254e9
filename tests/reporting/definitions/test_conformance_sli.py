"""OpenSLO's own rules for SLIs, case by case as its SDK for Go tests them: path and code of every mistake.

Retyped from https://github.com/OpenSLO/go-sdk pkg/openslo/v1/sli_test.go (Apache-2.0). Where a case differs here
it says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reporting.definitions.documents import (
    RATIO,
    RAW,
    SLI,
    SLO,
    changed,
    foreign,
    mistakes,
)

if TYPE_CHECKING:
    from tests.reporting.definitions.documents import (
        Plain,
    )

BOTH = {"good": foreign("g"), "bad": foreign("b"), "total": foreign("t")}


@pytest.mark.parametrize(
    ("ratio", "code"),
    [
        pytest.param({"counter": True}, "mutually_exclusive", id="neither raw nor total"),
        pytest.param({"raw": foreign("r"), "total": foreign("t")}, "mutually_exclusive", id="both raw and total"),
        pytest.param(
            {"raw": foreign("r"), "bad": foreign("b"), "good": foreign("g")}, "mutually_exclusive", id="raw, bad, good"
        ),
        pytest.param({"raw": foreign("r"), "good": foreign("g")}, "mutually_exclusive", id="raw and good"),
        pytest.param({"raw": foreign("r"), "bad": foreign("b")}, "mutually_exclusive", id="raw and bad"),
        pytest.param(BOTH, "mutually_exclusive", id="bad and good"),
        pytest.param({"total": foreign("t")}, "one_of_properties", id="neither bad nor good"),
    ],
)
def test_ratio_metrics(ratio: Plain, code: str) -> None:
    assert mistakes(changed(SLI, "spec", "ratioMetric", to=ratio)) == [("spec.ratioMetric", code)]
    assert mistakes(changed(SLO, *RATIO, to=ratio)) == [("spec.indicator.spec.ratioMetric", code)]


@pytest.mark.parametrize("name", ["total", "good", "bad", "raw"])
@pytest.mark.parametrize(
    ("metric", "place", "code"),
    [
        ({}, "", "required"),
        ({"metricSource": {"spec": {}}}, ".spec", "map_min_length"),
        ({"metricSource": {"type": "Datadog"}}, ".spec", "required"),
        (
            {"metricSource": {"metricSourceRef": "my datadog", "spec": {"query": "query"}}},
            ".metricSourceRef",
            "string_dns_label",
        ),
    ],
)
def test_metric_sources(name: str, metric: Plain, place: str, code: str) -> None:
    ratio: Plain = {"good": {"good": foreign("g"), "total": foreign("t")}, "raw": RAW}.get(
        name, {"bad": foreign("b"), "total": foreign("t")}
    )

    found = mistakes(changed(SLI, "spec", "ratioMetric", to=ratio | {name: metric}))

    assert found == [(f"spec.ratioMetric.{name}.metricSource{place}", code)]


def test_raw_types() -> None:
    assert mistakes(changed(SLI, "spec", "ratioMetric", to=RAW | {"rawType": "invalid"})) == [
        ("spec.ratioMetric.rawType", "one_of")
    ]
    assert mistakes(changed(SLI, "spec", "ratioMetric", to={"raw": foreign("r")})) == [
        ("spec.ratioMetric.rawType", "required")
    ]


def test_an_sli_has_one_metric() -> None:
    assert mistakes(changed(SLI, "spec", to={"description": "x"})) == [("spec", "mutually_exclusive")]
    assert ("spec", "mutually_exclusive") in mistakes(changed(SLI, "spec", "thresholdMetric", to=foreign("x")))
