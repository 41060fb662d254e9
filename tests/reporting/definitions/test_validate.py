"""Every mistake of a text, told once, with its path and its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.definitions.load import load, validate
from tests.reporting.definitions.documents import (
    CHECKOUT,
    CONDITION,
    POLICY,
    SERVICE,
    SLI,
    SLO,
    TARGET,
    changed,
    yaml,
)
from tests.reporting.definitions.places import GOOD, OBJECTIVE, WINDOW, WRITTEN_GOOD, found

if TYPE_CHECKING:
    from tests.reporting.definitions.places import Place


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


def test_what_does_not_fit_in_a_list_keeps_its_place() -> None:
    value = changed(CHECKOUT, "spec", "alertPolicies", to=[5, {"alertPolicyRef": "not a name"}])

    assert [(path, code) for path, code, _ in found(value)] == [
        ("spec.alertPolicies[0]", "type"),
        ("spec.alertPolicies[1].alertPolicyRef", "string_dns_label"),
    ]


def test_a_misspelt_field_is_told_its_likely_name() -> None:
    (finding,) = validate(yaml(changed(CHECKOUT, "spec", "alertPolicy", to=[])))

    assert (finding.path, finding.code) == ("spec.alertPolicy", "unknown_field")
    assert "alertPolicies" in finding.message


@pytest.mark.parametrize(("text", "code"), [("", "required"), ("a: [", "yaml"), ("5", "type"), ("{}", "required")])
def test_a_text_without_an_object_is_told_so(text: str, code: str) -> None:
    assert [finding.code for finding in validate(text)] == [code]


def paths(value: Any, path: Place = ()) -> list[Place]:
    """Return the path of everything inside a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, member in inner for place in ((*path, key), *paths(member, (*path, key)))]


OBJECTS = (CHECKOUT, SLO, SLI, POLICY, CONDITION, TARGET, SERVICE)
scalars = (
    st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.sampled_from(["", "x", "1m", "0d", "<5", "5xx", "2% 1h/5m", "Timeslices", "lte", "slipstream", "a" * 2000])
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["spec", "kind", "metadata", "target", "x/y", ""]), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.data())
def test_no_object_is_more_than_wrong(data: st.DataObject) -> None:
    value = data.draw(st.sampled_from(OBJECTS))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(paths(value)))
        value = changed(value, *path, to=data.draw(st.none() | anything))

    loaded = load(yaml(value))

    assert bool(loaded.errors) is not bool(loaded.objects)
    assert all(finding.message and finding.code for finding in loaded.findings)
