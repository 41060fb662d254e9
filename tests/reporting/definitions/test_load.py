"""Definitions out of a text: several documents, windows, methods, alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from app.domain.calendar import Calendar, Unit
from app.domain.filters import Source, parse
from reporting.definitions.load import load
from reporting.slo.objective import BudgetingMethod, Objective
from reporting.slo.windows import CalendarWindow, RollingWindow
from tests.reporting.definitions.by_reference import SLI, codes
from tests.reporting.definitions.documents import BURN_POLICY, CHECKOUT, changed, ours, yaml
from tests.reporting.definitions.places import POLICY_PLACE

HOUR = timedelta(hours=1)
NOW = datetime(2026, 10, 25, 12, tzinfo=UTC)


def test_a_definition_is_what_the_text_says() -> None:
    loaded = load(yaml(CHECKOUT))

    (definition,) = loaded.definitions
    total = {"service": "checkout", "route": "/pay"}
    assert loaded.findings == []
    assert (definition.name, definition.display_name, definition.service) == ("checkout", "checkout", "checkout")
    assert definition.objective == Objective(target=Decimal("0.99"))
    assert definition.window == RollingWindow(timedelta(days=30))
    assert definition.indicator.total == parse(Source.REQUESTS, total)
    assert definition.indicator.good == parse(Source.REQUESTS, total | {"status": "<500", "duration_ms": "<500"})
    assert definition.indicator.bad is None
    assert definition.indicator.measures_duration


def test_the_pairs_of_the_annotation_become_alerts_for_the_period() -> None:
    (definition,) = load(yaml(CHECKOUT)).definitions
    (policy,) = definition.policies

    assert [(alert.factor, alert.long_window, alert.short_window) for alert in definition.alerts(NOW)] == [
        (Fraction("14.4"), HOUR, HOUR / 12),
        (Fraction(6), 6 * HOUR, HOUR / 2),
    ]
    assert [(target.name, target.target) for target in policy.targets] == [("on-call", "page")]
    assert (policy.when_breaching, policy.when_resolved, policy.when_no_data) == (True, True, False)


@pytest.mark.parametrize("told", [{}, {"to": False}])
def test_a_policy_that_is_not_to_alert_when_breaching_has_no_alerts(told: dict[str, bool]) -> None:
    quiet = changed(CHECKOUT, *POLICY_PLACE, "spec", "alertWhenBreaching", **told)

    (definition,) = load(yaml(quiet)).definitions

    assert len(definition.policies) == 1
    assert definition.alerts(NOW) == ()


def test_a_document_may_be_a_list_of_objects() -> None:
    """go-sdk pkg/openslosdk/test_data/decode/sequence_of_objects.yaml."""
    text = "\n".join(f"- {line}" if line.startswith("apiVersion") else f"  {line}" for line in yaml(SLI).splitlines())

    assert [each.metadata.name for each in load(text).objects] == ["paid"]


def test_two_objects_of_one_name_are_a_mistake() -> None:
    assert codes(load(yaml(CHECKOUT, CHECKOUT))) == [("SLO checkout", "metadata.name", "duplicate_object")]
    assert load(yaml(SLI, changed(CHECKOUT, "metadata", "name", to="paid"))).findings == []


@pytest.mark.parametrize(
    ("duration", "start", "window"),
    [
        ("1M", "2026-01-01 00:00:00", Calendar(Unit.MONTH, "Europe/Berlin")),
        ("1w", "2026-01-05 00:00:00", Calendar(Unit.WEEK, "Europe/Berlin")),
        ("1Q", "2026-01-01 00:00:00", Calendar(Unit.QUARTER, "Europe/Berlin")),
        ("1Y", "2026-01-01 00:00:00", Calendar(Unit.YEAR, "Europe/Berlin")),
        ("1d", "2026-01-01 00:00:00", Calendar(Unit.DAY, "Europe/Berlin")),
    ],
)
def test_calendar_windows(duration: str, start: str, window: Calendar) -> None:
    calendar = {"startTime": start, "timeZone": "Europe/Berlin"}

    (definition,) = load(
        yaml(changed(CHECKOUT, "spec", "timeWindow", 0, to={"duration": duration, "calendar": calendar}))
    ).definitions

    assert isinstance(definition.window, CalendarWindow)
    assert definition.window.at(NOW) == CalendarWindow(window).at(NOW)


def test_the_burn_rates_of_a_calendar_month_are_those_of_its_length() -> None:
    calendar = {"startTime": "2026-01-01 00:00:00", "timeZone": "UTC"}
    (definition,) = load(
        yaml(changed(CHECKOUT, "spec", "timeWindow", 0, to={"duration": "1M", "calendar": calendar}))
    ).definitions

    assert definition.alerts(NOW)[0].factor == Fraction("14.88")
    assert definition.alerts(datetime(2026, 2, 5, tzinfo=UTC))[0].factor == Fraction("13.44")


@pytest.mark.parametrize(
    ("method", "given", "objective"),
    [
        ("Occurrences", {}, Objective(target=Decimal("0.99"))),
        (
            "Timeslices",
            {"timeSliceTarget": Decimal("0.95"), "timeSliceWindow": "5m"},
            Objective(
                target=Decimal("0.99"),
                method=BudgetingMethod.TIMESLICES,
                slice_target=Decimal("0.95"),
                slice_minutes=5,
            ),
        ),
        (
            "RatioTimeslices",
            {"timeSliceWindow": 15},
            Objective(target=Decimal("0.99"), method=BudgetingMethod.RATIO_TIMESLICES, slice_minutes=15),
        ),
        (
            "RatioTimeslices",
            {"timeSliceWindow": "2h", "timeSliceTarget": Decimal("0.5")},
            Objective(target=Decimal("0.99"), method=BudgetingMethod.RATIO_TIMESLICES, slice_minutes=120),
        ),
    ],
)
def test_budgeting_methods(method: str, given: dict[str, Any], objective: Objective) -> None:
    value = changed(CHECKOUT, "spec", "budgetingMethod", to=method)

    (definition,) = load(
        yaml(changed(value, "spec", "objectives", 0, to={"target": Decimal("0.99")} | given))
    ).definitions

    assert definition.objective == objective


def test_a_target_in_per_cent_is_the_same_target_exactly() -> None:
    value = changed(CHECKOUT, "spec", "objectives", 0, to={"targetPercent": Decimal("99.95")})

    (definition,) = load(yaml(value)).definitions

    assert definition.objective.target == Decimal("0.9995")
    assert definition.objective.budget == Decimal("0.0005")


def test_bad_out_of_total_is_an_indicator_as_well() -> None:
    ratio = {"bad": ours(service="checkout", status="5xx"), "total": ours(service="checkout")}

    (definition,) = load(yaml(changed(CHECKOUT, "spec", "indicator", "spec", "ratioMetric", to=ratio))).definitions

    assert definition.indicator.good is None
    assert definition.indicator.bad == parse(Source.REQUESTS, {"service": "checkout", "status": "5xx"})
    assert not definition.indicator.measures_duration


def test_a_condition_alone_is_one_window_with_its_threshold() -> None:
    condition = {"kind": "burnrate", "op": "gte", "threshold": 2, "lookbackWindow": "1h", "alertAfter": "5m"}
    policy = changed(
        changed(BURN_POLICY, "metadata", "annotations"), "spec", "conditions", 0, "spec", "condition", to=condition
    )

    (definition,) = load(yaml(changed(CHECKOUT, "spec", "alertPolicies", 0, to=policy))).definitions
    (alert,) = definition.alerts(NOW)

    assert (alert.factor, alert.long_window, alert.short_window) == (2, HOUR, None)
    assert (alert.inclusive, alert.hold) == (True, timedelta(minutes=5))


@pytest.mark.parametrize(
    ("pairs", "factors"),
    [
        ("workbook", ["14.4", "6"]),
        (" 14.4x 1h/5m ", ["14.4"]),
        ("2% 1h/5m,7x 6h/30m", ["14.4", "7"]),
        ("2.0% 1h/5m, 0.5% 2h/10m", ["14.4", "1.8"]),
    ],
)
def test_pairs_are_shares_rates_or_a_name_of_the_catalogue(pairs: str, factors: list[str]) -> None:
    path = ("spec", "alertPolicies", 0, "metadata", "annotations", "slipstream/window-pairs")

    (definition,) = load(yaml(changed(CHECKOUT, *path, to=pairs))).definitions

    assert [alert.factor for alert in definition.alerts(NOW)] == [Fraction(factor) for factor in factors]


def test_events_of_accounts_are_a_source() -> None:
    """The demo's promise: 80 % of all flights leave less than 15 minutes late, and a cancelled one is bad."""
    flights = {"account_id": "UA", "type": ["flight.departed", "flight.cancelled"]}
    ratio = {
        name: {"metricSource": {"type": "slipstream", "spec": {"source": "events", "filter": conditions}}}
        for name, conditions in {
            "good": {"account_id": "UA", "type": "flight.departed", "payload.dep_delay": "<15"},
            "total": flights,
        }.items()
    }

    (definition,) = load(yaml(changed(CHECKOUT, "spec", "indicator", "spec", "ratioMetric", to=ratio))).definitions
    good = definition.indicator.good

    assert definition.indicator.source is Source.EVENTS
    assert good is not None
    assert good.matches({"account_id": "UA", "type": "flight.departed", "payload": {"dep_delay": 14}})
    assert not good.matches({"account_id": "UA", "type": "flight.departed", "payload": {"dep_delay": 15}})
    assert not good.matches({"account_id": "UA", "type": "flight.cancelled", "payload": {}})
