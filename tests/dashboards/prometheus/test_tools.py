"""The exported files as Prometheus' and Alertmanager's own tools see them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dashboards.prometheus.export import ALERTING, ALERTMANAGER, RECORDING, TESTS, export
from reporting.definitions.load import load

pytestmark = pytest.mark.tools

SLOS = Path(__file__).resolve().parents[3] / "slos"
SHIPPED = "\n---\n".join(path.read_text() for path in sorted(SLOS.glob("*.yaml")))
OTHERS = SHIPPED.replace("duration: 30d", "duration: 7d").replace("2% 1h/5m, 5% 6h/30m", "8% 1h/5m, 14x 6h/30m")
WATCHED = SHIPPED.replace("alertWhenBreaching: true", "alertWhenBreaching: true\n  alertWhenNoData: true")
ALL = {definition.name for definition in load(SHIPPED).definitions}


def run(directory: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(
    params=[(SHIPPED, ALL), (OTHERS, ALL), (WATCHED, {"availability", "summary-latency"})],
    ids=["as shipped", "other windows and factors", "silence"],
)
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    text, names = request.param
    chosen = [definition for definition in load(text).definitions if definition.name in names]
    assert export(chosen, tmp_path).refused == {}
    return tmp_path


def test_promtool_takes_the_rules(directory: Path) -> None:
    run(directory, "promtool", "check", "rules", "--lint=all", "--lint-fatal", RECORDING, ALERTING)


def test_the_exported_unit_tests_pass(directory: Path) -> None:
    assert "SUCCESS" in run(directory, "promtool", "test", "rules", TESTS)


@pytest.mark.parametrize(
    ("slo", "change"),
    [
        ("availability", ("> 0.0144", "> 0.015")),
        ("availability", ("> 0.003", "> 0.0029")),
        ("availability", ('status=~"1..|2..|3..|4.."', 'status=~".*"')),
        ("summary-latency", ('le="0.5"', 'le="1.0"')),
        ("summary-latency", ("or 0 *", "or 1 *")),
        ("availability", ("> 0.05", "> 0.052")),
        ("ingest-latency", ("> 0) > 0.01", "> 0) > 0.0097")),
        ("availability", ("expr: vector(1)", "expr: vector(1) > 1")),
        ("availability", ('service="slipstream"} > 0)', 'service="slipstream"})')),
    ],
)
def test_the_exported_unit_tests_fail_when_a_rule_is_wrong(tmp_path: Path, slo: str, change: tuple[str, str]) -> None:
    export([definition for definition in load(WATCHED).definitions if definition.name == slo], tmp_path)
    changed = 0
    for name in (RECORDING, ALERTING):
        text = (tmp_path / name).read_text()
        changed += change[0] in text
        (tmp_path / name).write_text(text.replace(*change))
    assert changed

    done = subprocess.run(
        ["promtool", "test", "rules", TESTS], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )

    assert "FAILED" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("alertname=DeadMansSwitch severity=none", "dead-mans-switch"),
        ("alertname=SlipstreamMetricsAbsent severity=page", "on-call"),
        ("alertname=ErrorBudgetBurn slo=availability severity=page targets=on-call", "on-call"),
        ("alertname=ErrorBudgetBurn slo=availability severity=ticket targets=team", "team"),
        ("alertname=SLOHasNoData slo=availability severity=ticket targets=on-call,team", "on-call,team"),
        ("alertname=Another", "slipstream"),
    ],
)
def test_alerts_find_their_receivers(directory: Path, labels: str, receivers: str) -> None:
    run(directory, "amtool", "check-config", ALERTMANAGER)

    found = run(directory, "amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels.split())

    assert found.strip() == receivers
