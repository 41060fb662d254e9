"""What hardly anybody means: errors that cannot be applied, and doubts that can."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from reporting.definitions.installation import Installation
from reporting.definitions.load import load, validate
from tests.reporting.definitions.documents import BURN_POLICY, CHECKOUT, changed, ours, yaml
from tests.reporting.definitions.places import (
    CALENDAR,
    CONDITION_PLACE,
    GOOD,
    OBJECTIVE,
    PAIRS,
    POLICY_PLACE,
    RATIO,
    WINDOW,
    WRITTEN_GOOD,
    WRITTEN_PAIRS,
    found,
)

if TYPE_CHECKING:
    from tests.reporting.definitions.documents import Plain


def test_the_example_of_the_contract_has_no_finding() -> None:
    assert found(CHECKOUT) == []


def alone(**given: Any) -> Plain:
    """The policy without the extension: its condition alone."""
    condition = BURN_POLICY["spec"]["conditions"][0]["spec"]["condition"] | given
    policy = changed(BURN_POLICY, "metadata", "annotations")
    return changed(CHECKOUT, *POLICY_PLACE, to=changed(policy, *CONDITION_PLACE[3:], "condition", to=condition))


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
            changed(CHECKOUT, *CONDITION_PLACE, "condition", "op", to="lte"),
            "spec.alertPolicies[0].spec.conditions[0].spec.condition.op",
            "inverted_op",
            id="inverted op, as in OpenSLO's own example",
        ),
        pytest.param(
            changed(CHECKOUT, *CONDITION_PLACE, "condition", "threshold", to=0),
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
            changed(CHECKOUT, *POLICY_PLACE, "metadata", "annotations", "slipstream/window-pair", to="2% 1h/5m"),
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
            changed(CHECKOUT, *CONDITION_PLACE, "condition", "threshold", to=2),
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


def test_a_policy_that_alerts_of_nothing_is_a_doubt() -> None:
    asked = changed(CHECKOUT, *POLICY_PLACE, "spec", "alertWhenBreaching", to=False)

    assert found(asked) == [("spec.alertPolicies[0]", "never_alerts", "warning")]


def test_a_target_that_the_settings_do_not_name_is_a_doubt_where_they_are_known() -> None:
    asked = yaml(changed(CHECKOUT, *POLICY_PLACE, "spec", "notificationTargets", 0, "spec", "target", to="dba"))

    assert load(asked).findings == []
    assert load(asked, here=Installation(targets={"page", "ticket", "dba"})).findings == []
    (finding,) = load(asked, here=Installation(targets={"page", "ticket"})).findings
    assert (finding.path, finding.code) == ("spec.alertPolicies[0]", "unknown_target")


@pytest.mark.parametrize("address", ["https://10.0.0.1/hook", "slack://token/x", "mailto:a@b.example", "a b", ""])
def test_a_target_is_a_name_and_never_an_address(address: str) -> None:
    place = (*POLICY_PLACE, "spec", "notificationTargets", 0, "spec", "target")

    findings = found(changed(CHECKOUT, *place, to=address))

    assert findings[0][0] == "spec.alertPolicies[0].spec.notificationTargets[0].spec.target"
    assert findings[0][1:] == ("target_is_no_name" if address else "required", "error")


@pytest.mark.parametrize("method", ["Timeslices", "RatioTimeslices"])
def test_slices_over_a_window_longer_than_minutes_are_kept_are_refused(method: str) -> None:
    here = Installation(minutes_kept=timedelta(days=35))
    sliced = changed(CHECKOUT, "spec", "budgetingMethod", to=method)
    sliced = changed(sliced, *OBJECTIVE, "timeSliceWindow", to="1m")
    if method == "Timeslices":
        sliced = changed(sliced, *OBJECTIVE, "timeSliceTarget", to=0.95)
    longer = changed(sliced, *WINDOW, "duration", to="36d")

    (finding,) = load(yaml(longer), here=here).errors
    assert (finding.path, finding.code) == ("spec.timeWindow[0].duration", "minutes_not_kept")
    assert "SLIPSTREAM_MINUTE_RETENTION_DAYS" in finding.message
    assert load(yaml(longer)).errors == []
    assert load(yaml(changed(longer, *WINDOW, "duration", to="35d")), here=here).errors == []
    assert load(yaml(changed(CHECKOUT, *WINDOW, "duration", to="90d")), here=here).errors == []
