"""What is referred to is found, in the text or before it, and a mistake in it is told once."""

from __future__ import annotations

from decimal import Decimal

from app.domain.filters import Source, parse
from reporting.definitions.load import load
from reporting.definitions.openslo import SLO
from tests.reporting.definitions.by_reference import BY_REFERENCE, CONDITION, POLICY, SLI, TARGET, codes
from tests.reporting.definitions.documents import CHECKOUT, changed, ours, yaml


def test_by_reference_is_the_same_as_inline_in_whatever_order() -> None:
    (inline,) = load(yaml(CHECKOUT)).definitions

    for objects in ((SLI, CONDITION, TARGET, POLICY, BY_REFERENCE), (BY_REFERENCE, POLICY, TARGET, CONDITION, SLI)):
        loaded = load(yaml(*objects))

        assert loaded.findings == []
        assert len(loaded.objects) == 5
        assert loaded.definitions == [inline]


def test_what_was_applied_before_can_be_referred_to() -> None:
    known = load(yaml(SLI, CONDITION, TARGET, POLICY)).objects

    assert codes(load(yaml(BY_REFERENCE))) == [
        ("SLO checkout", "spec.indicatorRef", "unknown_reference"),
        ("SLO checkout", "spec.alertPolicies[0].alertPolicyRef", "unknown_reference"),
    ]
    assert load(yaml(BY_REFERENCE), known).findings == []


def test_the_text_s_own_object_comes_before_one_applied_before() -> None:
    known = load(yaml(SLI, CONDITION, TARGET, POLICY)).objects
    newer = changed(SLI, "spec", "ratioMetric", "good", to=ours(service="checkout", route="/pay", status="2xx"))

    (definition,) = load(yaml(newer, BY_REFERENCE), known).definitions

    assert definition.indicator.good == parse(
        Source.REQUESTS, {"service": "checkout", "route": "/pay", "status": "2xx"}
    )


def test_a_mistake_in_what_is_referred_to_is_told_there_and_nowhere_else() -> None:
    broken_sli = changed(SLI, "spec", "ratioMetric", "good", to=ours(rout="/pay"))
    broken_condition = changed(CONDITION, "spec", "condition", "op", to="lt")

    loaded = load(yaml(BY_REFERENCE, POLICY, TARGET, broken_condition, broken_sli))

    assert codes(loaded) == [
        ("AlertCondition fast", "spec.condition.op", "inverted_op"),
        ("SLI paid", "spec.ratioMetric.good.metricSource.spec.filter.rout", "unknown_filter"),
    ]
    assert loaded.definitions == []


def test_a_reference_to_an_object_against_the_rules_is_no_second_mistake() -> None:
    broken = changed(CONDITION, "spec", "severity")

    assert codes(load(yaml(BY_REFERENCE, SLI, POLICY, TARGET, broken))) == [
        ("AlertCondition fast", "spec.severity", "required")
    ]


def test_a_policy_s_missing_condition_is_told_at_the_policy() -> None:
    """go-sdk pkg/openslosdk/test_data/inline: v1_alert_policies_invalid_condition.yaml and _invalid_target.yaml."""
    assert codes(load(yaml(POLICY, BY_REFERENCE, SLI))) == [
        ("AlertPolicy budget-page", "spec.conditions[0].conditionRef", "unknown_reference"),
        ("AlertPolicy budget-page", "spec.notificationTargets[0].targetRef", "unknown_reference"),
    ]


def test_the_written_object_has_everything_inline() -> None:
    (definition,) = load(yaml(SLI, CONDITION, TARGET, POLICY, BY_REFERENCE)).definitions

    assert isinstance(definition.written, SLO)
    assert definition.written.spec.indicator_ref is None
    assert definition.written.spec.indicator is not None
    (policy,) = definition.written.spec.alert_policies
    assert policy.alert_policy_ref is None
    assert policy.spec.conditions[0].spec.condition.threshold == Decimal("14.4")
    assert policy.spec.notification_targets[0].spec.target == "page"
