"""OpenSLO's own rules for alert policies and conditions, case by case as its SDK for Go tests them: path and code of every mistake.

Retyped from https://github.com/OpenSLO/go-sdk pkg/openslo/v1/{alert_policy,alert_condition}_test.go (Apache-2.0). Where a case differs here
it says why.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.reporting.definitions.documents import (
    CONDITION,
    INLINE_CONDITION,
    INLINE_TARGET,
    POLICY,
    changed,
    mistakes,
)


@pytest.mark.parametrize(
    ("path", "to", "expected"),
    [
        (("conditions",), [], [("spec.conditions", "slice_length")]),
        (("conditions",), [{"conditionRef": "a"}, {"conditionRef": "b"}], [("spec.conditions", "slice_length")]),
        (("notificationTargets",), [], [("spec.notificationTargets", "slice_min_length")]),
        (("conditions", 0), INLINE_CONDITION | {"conditionRef": "a"}, [("spec.conditions[0]", "mutually_exclusive")]),
        (("conditions", 0), {"conditionRef": ""}, [("spec.conditions[0].conditionRef", "required")]),
        (("conditions", 0), {"conditionRef": "a b"}, [("spec.conditions[0].conditionRef", "string_dns_label")]),
        (("conditions", 0), INLINE_CONDITION | {"kind": "SLO"}, [("spec.conditions[0].kind", "equal_to")]),
        (
            ("notificationTargets", 0),
            INLINE_TARGET | {"targetRef": "a"},
            [("spec.notificationTargets[0]", "mutually_exclusive")],
        ),
        (("notificationTargets", 0), {"targetRef": ""}, [("spec.notificationTargets[0].targetRef", "required")]),
        (
            ("notificationTargets", 0),
            {"targetRef": "a b"},
            [("spec.notificationTargets[0].targetRef", "string_dns_label")],
        ),
        (
            ("notificationTargets", 0),
            INLINE_TARGET | {"kind": "SLO"},
            [("spec.notificationTargets[0].kind", "equal_to")],
        ),
        (
            ("notificationTargets", 0),
            INLINE_TARGET | {"spec": {"description": "x"}},
            [("spec.notificationTargets[0].spec.target", "required")],
        ),
    ],
)
def test_alert_policies(path: tuple[str | int, ...], to: Any, expected: list[tuple[str, str]]) -> None:
    assert mistakes(changed(POLICY, "spec", *path, to=to)) == expected


@pytest.mark.parametrize(
    ("path", "to", "expected"),
    [
        ((), {}, [("spec", "required")]),
        (("severity",), None, [("spec.severity", "required")]),
        (("condition", "kind"), None, [("spec.condition.kind", "required")]),
        (("condition", "kind"), "wrong", [("spec.condition.kind", "one_of")]),
        (("condition", "op"), "lessThan", [("spec.condition.op", "one_of")]),
        (
            ("condition",),
            {"kind": "burnrate"},
            [
                ("spec.condition.lookbackWindow", "required"),
                ("spec.condition.op", "required"),
                ("spec.condition.threshold", "required"),
            ],
        ),
    ],
)
def test_alert_conditions(path: tuple[str, ...], to: Any, expected: list[tuple[str, str]]) -> None:
    assert mistakes(changed(CONDITION, "spec", *path, to=to)) == expected
    inline = changed(POLICY, "spec", "conditions", 0, to=INLINE_CONDITION)
    assert mistakes(changed(inline, "spec", "conditions", 0, "spec", *path, to=to)) == [
        (f"spec.conditions[0].{place}", code) for place, code in expected
    ]


@pytest.mark.parametrize("op", ["gt", "lt", "gte", "lte"])
def test_every_operator(op: str) -> None:
    assert mistakes(changed(CONDITION, "spec", "condition", "op", to=op)) == []
