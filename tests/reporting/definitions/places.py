"""Places in the contract's example, and what is found in a changed one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.definitions.load import validate
from tests.reporting.definitions.documents import yaml

if TYPE_CHECKING:
    from tests.reporting.definitions.documents import Plain

Place = tuple[str | int, ...]

OBJECTIVE: Place = ("spec", "objectives", 0)
WINDOW: Place = ("spec", "timeWindow", 0)
RATIO: Place = ("spec", "indicator", "spec", "ratioMetric")
GOOD: Place = (*RATIO, "good", "metricSource")
POLICY_PLACE: Place = ("spec", "alertPolicies", 0)
CONDITION_PLACE: Place = (*POLICY_PLACE, "spec", "conditions", 0, "spec")
PAIRS: Place = (*POLICY_PLACE, "metadata", "annotations", "slipstream/window-pairs")
WRITTEN_PAIRS = "spec.alertPolicies[0].metadata.annotations['slipstream/window-pairs']"
WRITTEN_GOOD = "spec.indicator.spec.ratioMetric.good.metricSource"
CALENDAR: Plain = {"startTime": "2026-01-01 00:00:00", "timeZone": "Europe/Berlin"}


def found(value: Plain) -> list[tuple[str, str, str]]:
    return [(finding.path, finding.code, str(finding.severity)) for finding in validate(yaml(value))]
