"""What applying a definition changes, and what that does to its budget."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from reporting.definitions.difference import FieldChange, difference
from reporting.definitions.load import load
from reporting.slo.counts import Counts
from tests.reporting.definitions.documents import BURN_POLICY, CHECKOUT, changed, ours, yaml

if TYPE_CHECKING:
    from reporting.definitions.definition import Definition
    from tests.reporting.definitions.documents import Plain

OBJECTIVE = ("spec", "objectives", 0)


def definition(value: Plain) -> Definition:
    (built,) = load(yaml(value)).definitions
    return built


def month(_: Definition) -> Counts:
    """A million requests, 5,000 of them bad."""
    return Counts(995_000, 1_000_000)


def test_a_stricter_target_is_shown_with_its_effect_on_the_budget() -> None:
    old, new = definition(CHECKOUT), definition(changed(CHECKOUT, *OBJECTIVE, "target", to=Decimal("0.999")))

    found = difference(old, new, month)

    assert found.name == "checkout"
    assert found.changes == (FieldChange("spec.objectives[0].target", Decimal("0.99"), Decimal("0.999")),)
    assert found.before is not None
    assert found.before.budget is not None
    assert found.before.budget.remaining == 5_000
    assert found.after is not None
    assert found.after.budget is not None
    assert found.after.budget.remaining == -4_000
    assert found.exhausts


def test_a_laxer_target_exhausts_nothing() -> None:
    old, new = definition(CHECKOUT), definition(changed(CHECKOUT, *OBJECTIVE, "target", to=Decimal("0.9")))

    assert not difference(old, new, month).exhausts
    assert not difference(None, new, month).exhausts
    assert not difference(old, None, month).exhausts


def test_what_was_exhausted_before_or_not_there_is_not_exhausted_by_the_change() -> None:
    missed, worse = (definition(changed(CHECKOUT, *OBJECTIVE, "target", to=Decimal(t))) for t in ("0.999", "0.9999"))

    assert not difference(missed, worse, month).exhausts
    assert not difference(None, worse, month).exhausts


def test_the_same_definition_has_no_changes() -> None:
    assert difference(definition(CHECKOUT), definition(CHECKOUT), month).changes == ()


def test_by_reference_is_no_change() -> None:
    reference = changed(CHECKOUT, "spec", "alertPolicies", 0, to={"alertPolicyRef": "budget-page"})
    target = {"apiVersion": "openslo/v1"} | BURN_POLICY["spec"]["notificationTargets"][0]
    policy = {"apiVersion": "openslo/v1"} | BURN_POLICY
    loaded = load(yaml(reference, target, policy))

    assert difference(definition(CHECKOUT), loaded.definitions[0], month).changes == ()


def test_another_filter_is_measured_by_its_own_counts() -> None:
    good = ("spec", "indicator", "spec", "ratioMetric", "good")
    new = definition(changed(CHECKOUT, *good, to=ours(service="checkout", route="/pay", status="<400")))

    found = difference(
        definition(CHECKOUT), new, lambda each: Counts(900_000, 1_000_000) if each is new else month(each)
    )

    assert [change.path for change in found.changes] == [
        "spec.indicator.spec.ratioMetric.good.metricSource.spec.filter.status",
        "spec.indicator.spec.ratioMetric.good.metricSource.spec.filter.duration_ms",
    ]
    assert found.after is not None
    assert found.after.budget is not None
    assert found.after.budget.remaining == -90_000


def test_a_new_and_a_removed_definition_are_all_of_it() -> None:
    new = difference(None, definition(CHECKOUT), month)
    removed = difference(definition(CHECKOUT), None, month)

    assert new.before is None
    assert removed.after is None
    assert {change.path for change in new.changes} == {"apiVersion", "kind", "metadata", "spec"}
    assert all(change.before is None for change in new.changes)
    assert all(change.after is None for change in removed.changes)


@pytest.mark.parametrize("counts", [None, Counts(0, 0)])
def test_what_is_not_known_yet_has_no_budget(counts: Counts | None) -> None:
    found = difference(None, definition(CHECKOUT), lambda _: counts)

    assert found.after is not None
    assert found.after.budget is None


def test_nothing_and_nothing_have_no_difference() -> None:
    with pytest.raises(ValueError, match="nothing"):
        difference(None, None, month)
