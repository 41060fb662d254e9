"""What Slipstream refuses by name, although OpenSLO allows it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.reporting.definitions.documents import CHECKOUT, changed, foreign, mistakes
from tests.reporting.definitions.places import (
    CALENDAR,
    CONDITION_PLACE,
    GOOD,
    OBJECTIVE,
    RATIO,
    WINDOW,
    WRITTEN_GOOD,
    found,
)

if TYPE_CHECKING:
    from tests.reporting.definitions.documents import Plain


def sliced(**given: Any) -> Plain:
    objective = {"target": Decimal("0.99"), "timeSliceTarget": Decimal("0.9"), "timeSliceWindow": "1m"} | given
    return changed(changed(CHECKOUT, "spec", "budgetingMethod", to="Timeslices"), *OBJECTIVE, to=objective)


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
            changed(CHECKOUT, *CONDITION_PLACE, "severity", to="sev1"),
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
