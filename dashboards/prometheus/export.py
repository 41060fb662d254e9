"""Writes what Prometheus and Alertmanager need of the same definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards.prometheus.alerting import alerting_rules
from dashboards.prometheus.promises import exportable
from dashboards.prometheus.recording import recording_rules
from dashboards.prometheus.routing import routing
from dashboards.prometheus.unit_tests import unit_tests
from reporting.definitions.yaml_text import write

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dashboards.prometheus.promises import Exportable
    from reporting.definitions.definition import Definition

RECORDING = "slipstream.recording.rules.yaml"
ALERTING = "slipstream.alerting.rules.yaml"
TESTS = "slipstream.tests.yaml"
ALERTMANAGER = "alertmanager.yaml"

_ABOUT = {
    RECORDING: "Counts and error ratios of every SLO. Load it as a rule file of a Prometheus that scrapes the API and all workers.",
    ALERTING: "Alerts on burn rates, on the silence of the metrics, and a dead-man's switch.",
    TESTS: f"Tests of both: promtool test rules {TESTS}",
    ALERTMANAGER: "Routing and inhibition. Each receiver has its name alone: add what it speaks (webhook_configs, email_configs, …).",
}


def export(definitions: Iterable[Definition], directory: Path) -> Exportable:
    """Write the files into a directory, which is made; return what was exported, and what was not and why."""
    found = exportable(definitions)
    contents = {
        RECORDING: recording_rules(found.promises),
        ALERTING: alerting_rules(found.promises),
        TESTS: unit_tests(found.promises, [RECORDING, ALERTING]),
        ALERTMANAGER: routing(found.promises),
    }
    directory.mkdir(parents=True, exist_ok=True)
    not_exported = "".join(f"# Not exported: {name}: {why}\n" for name, why in found.refused.items())
    for name, content in contents.items():
        head = f"# Written by `slipstream rules export`; changes here are lost.\n# {_ABOUT[name]}\n{not_exported}"
        (directory / name).write_text(head + write([content]), "utf-8")
    return found
