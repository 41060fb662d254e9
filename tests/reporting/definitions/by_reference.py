"""The contract's example in five objects that refer to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.reporting.definitions.documents import BURN_POLICY, CHECKOUT, changed

if TYPE_CHECKING:
    from reporting.definitions.load import Loaded
    from tests.reporting.definitions.documents import Plain


def applied(kind: str, value: Plain) -> Plain:
    return {"apiVersion": "openslo/v1", "kind": kind, **value}


CONDITION = applied("AlertCondition", changed(BURN_POLICY["spec"]["conditions"][0], "kind"))
TARGET = applied("AlertNotificationTarget", changed(BURN_POLICY["spec"]["notificationTargets"][0], "kind"))
POLICY = applied(
    "AlertPolicy",
    {
        "metadata": BURN_POLICY["metadata"],
        "spec": BURN_POLICY["spec"]
        | {"conditions": [{"conditionRef": "fast"}], "notificationTargets": [{"targetRef": "on-call"}]},
    },
)
SLI = applied("SLI", CHECKOUT["spec"]["indicator"])
BY_REFERENCE = changed(
    changed(changed(CHECKOUT, "spec", "indicator"), "spec", "indicatorRef", to="paid"),
    *("spec", "alertPolicies", 0),
    to={"alertPolicyRef": "budget-page"},
)


def codes(loaded: Loaded) -> list[tuple[str, str, str]]:
    return [(finding.document, finding.path, finding.code) for finding in loaded.findings]
