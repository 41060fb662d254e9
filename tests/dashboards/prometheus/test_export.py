"""The files of `slipstream rules export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from app.cli.main import main
from dashboards.prometheus.export import ALERTING, ALERTMANAGER, RECORDING, TESTS, export
from reporting.definitions.load import load

SLOS = Path(__file__).resolve().parents[3] / "slos"
SHIPPED = "\n---\n".join(path.read_text() for path in sorted(SLOS.glob("*.yaml")))


def exported(directory: Path, text: str = SHIPPED) -> dict[str, Any]:
    loaded = load(text)
    assert loaded.errors == []
    export(loaded.definitions, directory)
    return {path.name: yaml.safe_load(path.read_text()) for path in directory.iterdir()}


def alerts_of(files: dict[str, Any], slo: str, *alerts: str) -> list[dict[str, Any]]:
    rules = [rule for group in files[ALERTING]["groups"] for rule in group["rules"]]
    wanted = alerts or ("ErrorBudgetBurn", "SLOHasNoData")
    return [rule for rule in rules if rule["labels"].get("slo") == slo and rule["alert"] in wanted]


def test_plain_thresholds_are_exported_exactly(tmp_path: Path) -> None:
    files = exported(tmp_path)

    rate, day = alerts_of(files, "availability", "SLOThreshold")
    (slow,) = alerts_of(files, "summary-latency", "SLOThreshold")

    assert rate["expr"] == 'slipstream:slo_error_ratio:increase10m{slo="availability", service="slipstream"} > 0.05'
    assert (rate["for"], rate["labels"]["severity"], rate["labels"]["targets"]) == ("5m", "ticket", "team")
    assert day["expr"].endswith('increase1d{slo="availability", service="slipstream"} > 0.001')
    assert 'le="0.5"' in slow["expr"]
    assert slow["expr"].endswith("> 0) > 0.01")


def test_a_percentile_at_no_edge_of_the_histogram_is_not_exported_and_says_so(tmp_path: Path) -> None:
    found = export(load(SHIPPED.replace("p99 > target", "p99 > 123ms")).definitions, tmp_path)

    assert found.refused.keys() == {"ingest-latency, p99-above-target", "summary-latency, p99-above-target"}
    assert all("0.123 s is no edge of the histogram" in why for why in found.refused.values())
    assert [promise.definition.name for promise in found.promises if promise.plain] == ["availability"]


def test_every_slo_as_shipped_is_exported(tmp_path: Path) -> None:
    assert export(load(SHIPPED).definitions, tmp_path / "new" / "rules").refused == {}
    assert {path.name for path in (tmp_path / "new" / "rules").iterdir()} == {RECORDING, ALERTING, TESTS, ALERTMANAGER}


def test_limits_follow_from_the_share_of_the_budget_and_the_period(tmp_path: Path) -> None:
    month, weeks = exported(tmp_path / "a"), exported(tmp_path / "b", SHIPPED.replace("duration: 30d", "duration: 28d"))

    def limits(files: dict[str, Any]) -> list[float]:
        return [float(rule["expr"].split()[-1]) for rule in alerts_of(files, "availability")]

    assert limits(month) == [0.0144, 0.006, 0.003, 0.001]
    assert limits(weeks) == pytest.approx([0.01344, 0.0056, 0.0028, 0.00093333], rel=1e-4)


def test_both_windows_must_burn_and_the_fastest_comes_first(tmp_path: Path) -> None:
    first, *_, last = alerts_of(exported(tmp_path), "availability")

    assert "increase1h" in first["expr"]
    assert " and slipstream:slo_error_ratio:increase5m" in first["expr"]
    assert (first["labels"]["rank"], first["labels"]["severity"], first["labels"]["targets"]) == (
        "1",
        "page",
        "on-call",
    )
    assert (last["labels"]["rank"], last["labels"]["severity"], last["labels"]["long_window"]) == ("4", "ticket", "3d")


def test_an_alert_that_can_never_fire_is_left_out(tmp_path: Path) -> None:
    files = exported(tmp_path, SHIPPED.replace("target: 0.999", "target: 0.9"))

    assert [rule["labels"]["long_window"] for rule in alerts_of(files, "availability")] == ["6h", "1d", "3d"]


def test_late_events_are_alerted_when_they_have_had_their_minute(tmp_path: Path) -> None:
    files = exported(tmp_path)

    assert {rule["for"] for rule in alerts_of(files, "freshness")} == {"1m"}
    assert not any("for" in rule for rule in alerts_of(files, "availability"))


def test_silence_is_told_as_each_policy_asks_for_it(tmp_path: Path) -> None:
    text = SHIPPED.replace("alertWhenBreaching: true", "alertWhenBreaching: true\n  alertWhenNoData: true")

    files = exported(tmp_path, text)
    told = alerts_of(files, "availability", "SLOHasNoData")

    assert {(rule["labels"]["severity"], rule["labels"]["targets"]) for rule in told} == {
        ("page", "on-call"),
        ("ticket", "team"),
    }
    assert len({rule["labels"]["policy"] for rule in told}) == len(told)
    own = '{slo="availability", service="slipstream"}'
    assert f"absent(slipstream:slo_total:increase5m{own} > 0)" in {rule["expr"] for rule in told}
    assert all("for" in rule for rule in told)
    assert alerts_of(exported(tmp_path / "shipped"), "availability", "SLOHasNoData") == []


def test_whom_silence_alone_is_told_has_a_receiver(tmp_path: Path) -> None:
    text = SHIPPED.replace("alertWhenBreaching: true", "alertWhenBreaching: false\n  alertWhenNoData: true")

    files = exported(tmp_path, text)

    assert {receiver["name"] for receiver in files[ALERTMANAGER]["receivers"]} >= {"on-call", "team"}


def test_the_dead_mans_switch_always_fires_and_has_a_receiver_of_its_own(tmp_path: Path) -> None:
    files = exported(tmp_path)

    (switch,) = [
        rule for group in files[ALERTING]["groups"] for rule in group["rules"] if rule["alert"] == "DeadMansSwitch"
    ]
    assert switch["expr"] == "vector(1)"
    assert "for" not in switch
    first = files[ALERTMANAGER]["route"]["routes"][0]
    assert (first["matchers"], first["receiver"]) == (["alertname = DeadMansSwitch"], "dead-mans-switch")


def test_the_period_is_a_ratio_of_sums(tmp_path: Path) -> None:
    rules = [rule for group in exported(tmp_path)[RECORDING]["groups"] for rule in group["rules"]]
    of_period = {rule["record"]: rule["expr"] for rule in rules if rule["labels"]["slo"] == "availability"}

    assert of_period["slipstream:slo_bad:increase30d"].startswith("sum_over_time(slipstream:slo_bad:increase5m{")
    assert of_period["slipstream:slo_error_ratio:increase30d"].startswith("slipstream:slo_bad:increase30d{")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("budgetingMethod: Occurrences", "budgetingMethod: RatioTimeslices"), "ratio_timeslices"),
        (('duration_ms: "<500"', 'duration_ms: "<600"'), "0.6 s is no edge"),
    ],
)
def test_what_cannot_be_exported_is_named_with_its_reason(tmp_path: Path, change: tuple[str, str], why: str) -> None:
    text = (SLOS / "summary-latency.yaml").read_text().replace(*change)
    if "RatioTimeslices" in change[1]:
        text = text.replace("target: 0.99", "target: 0.99\n      timeSliceWindow: 5m")
    source = tmp_path / "slos"
    source.mkdir()
    (source / "changed.yaml").write_text(text)
    (source / "policies.yaml").write_text((SLOS / "alert-policies.yaml").read_text())

    result = CliRunner().invoke(main, ["rules", "export", str(tmp_path / "out"), "--definitions", str(source)])

    assert result.exit_code == 0, result.output
    assert "summary-latency is not exported: " in result.output
    assert why in result.output
    assert why in (tmp_path / "out" / RECORDING).read_text()


def test_definitions_that_are_wrong_are_not_exported_at_all(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text((SLOS / "availability.yaml").read_text().replace("target: 0.999", "target: 1.5"))

    result = CliRunner().invoke(main, ["rules", "export", str(tmp_path / "out"), "--definitions", str(broken)])

    assert result.exit_code == 1
    assert "target" in result.output
    assert not (tmp_path / "out").exists()
