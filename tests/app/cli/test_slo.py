"""`slipstream slo`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from app.cli.main import main
from reporting.slo.windows import minute_of
from tests.reporting.evaluation.definitions import slo
from tests.reporting.evaluation.recount import Request, store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from app.core.database import Database
    from app.core.settings import Settings

TEXT = slo("pay", service="checkout", total={}, good={"status": "<500"}, target=0.99)


@pytest.fixture
def slipstream(settings: Settings) -> Callable[..., Result]:
    def run(*arguments: str, given: str = "") -> Result:
        environment = {
            "SLIPSTREAM_DATABASE_URL": settings.database_url,
            "SLIPSTREAM_REDIS_URL": settings.redis_url,
        }
        return CliRunner().invoke(main, ["slo", *arguments], env=environment, input=given)

    return run


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "pay.yaml"
    path.write_text(TEXT)
    return str(path)


@pytest.fixture
def outage(database: Database) -> int:
    """An hour of traffic in which every request of ten minutes failed; returns when these began."""
    end = minute_of(datetime.now(UTC))
    begun = end - 60
    sent = []
    for minute in range(end - 120, end):
        status = 503 if begun <= minute < begun + 10 else 200
        sent += [Request(minute, "/pay", status, 1_000)] * 50
    store(database, sent)
    return begun


def test_validate_names_every_mistake_and_needs_no_server(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(TEXT.replace("target: 0.99", "target: 1.5"))

    result = CliRunner().invoke(main, ["slo", "validate", str(path)])

    assert result.exit_code == 1
    assert "spec.objectives[0].target" in result.output


def test_apply_show_and_a_dry_run(slipstream: Callable[..., Result], file: str, tmp_path: Path, outage: int) -> None:
    assert slipstream("apply", file).exit_code == 0
    lower = tmp_path / "lower.yaml"
    lower.write_text(TEXT.replace("target: 0.99", "target: 0.9"))

    dry = slipstream("apply", "--dry-run", str(lower))
    shown = slipstream("show")

    assert dry.exit_code == 0
    assert "spec.objectives[0].target" in dry.stdout
    assert "-733.34 % of 60" in dry.stdout
    assert "16.66 % of 600" in dry.stdout
    assert "pay" in shown.stdout
    assert "EXHAUSTED" in shown.stdout
    assert json.loads(slipstream("show", "pay", "--json").stdout)["bad"] == 500


def test_apply_takes_a_text_from_stdin_and_refuses_a_mistake(slipstream: Callable[..., Result]) -> None:
    refused = slipstream("apply", "-", given=TEXT.replace("kind: SLO", "kind: SLOW"))

    assert refused.exit_code == 1
    assert "SLOW is not supported" in refused.output
    assert slipstream("apply", "-", given=TEXT).exit_code == 0


def test_replay_says_when_a_proposed_policy_would_have_paged(
    slipstream: Callable[..., Result], file: str, outage: int
) -> None:
    result = slipstream("replay", "--file", file, "--over", "2h", "--json")

    pages = {page["alert"]: page for page in json.loads(result.stdout)}
    assert sorted(pages) == ["page 1h/5m", "page 6h/30m"]
    for page in pages.values():
        assert outage < minute_of(datetime.fromisoformat(page["at"] + "+00:00")) <= outage + 10
        assert page["until"] != "goes on"


def test_replay_of_an_unknown_slo_is_a_failure(slipstream: Callable[..., Result]) -> None:
    result = slipstream("replay", "nobody")

    assert result.exit_code == 1
    assert "there is no SLO nobody" in result.output
