"""`slipstream report`: files of a report, the archive, and subscriptions."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from app.cli.main import main
from tests.reporting.reports.conftest import OCTOBER, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from app.core.database import Database
    from app.core.settings import Settings


@pytest.fixture
def report(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("SLIPSTREAM_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("SLIPSTREAM_REDIS_URL", settings.redis_url)
    monkeypatch.setenv("SLIPSTREAM_SMTP_URL", "smtp://127.0.0.1:1")

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(main, ["report", *arguments])

    return run


def test_a_report_is_written_whole_in_the_formats_asked_for(report: Callable[..., Result], tmp_path: Path) -> None:
    out = tmp_path / "new" / "reports"
    written = report(
        "monthly", "--period", "2026-10", "--service", "checkout", "--format", "json,csv", "--out", str(out)
    )

    assert written.exit_code == 0, written.output
    stem = "slipstream-checkout-monthly-2026-10"
    assert written.stdout.split() == [str(out / f"{stem}.json"), str(out / f"{stem}.csv.zip")]
    assert sorted(path.name for path in out.iterdir()) == [f"{stem}.csv.zip", f"{stem}.json"]
    said = json.loads((out / f"{stem}.json").read_text())
    assert (said["period"]["name"], said["scope"]["service"]) == ("2026-10", "checkout")
    assert zipfile.is_zipfile(out / f"{stem}.csv.zip")


@pytest.mark.parametrize(
    "wrong",
    [
        ("monthly", "--period", "2026-W43", "--out", "."),
        ("weekly", "--period", "2026-10", "--out", "."),
        ("monthly", "--period", "2999-01", "--out", "."),
        ("monthly", "--timezone", "Mars/Olympus", "--out", "."),
        ("monthly", "--format", "pdf,docx", "--out", "."),
        ("monthly", "--period", "2026-10"),
        ("daily",),
        ("monthly", "--send-to", "nobody"),
        ("subscriptions", "add", "weekly", "--timezone", "Mars/Olympus"),
    ],
)
def test_wrong_usage_ends_with_two(report: Callable[..., Result], wrong: tuple[str, ...]) -> None:
    result = report(*wrong)

    assert (result.exit_code, result.stdout) == (2, "")


def test_the_archive_is_listed(report: Callable[..., Result], database: Database) -> None:
    assert report("monthly", "--period", "2026-10", "--send-to", "mia@example.org").exit_code == 0
    Workshop(database).order(OCTOBER)

    heading, *rows = [line.split()[0] for line in report("list").stdout.splitlines()]
    assert (heading, len(rows)) == ("REPORT", 2)
    assert OCTOBER.report_id in rows
    (listed,) = json.loads(report("list", "--json", "--service", "checkout").stdout)
    assert (listed["report_id"], listed["state"]) == (OCTOBER.report_id, "queued")


def test_subscriptions_are_made_listed_and_ended(report: Callable[..., Result]) -> None:
    added = report("subscriptions", "add", "weekly", "--to", "mia@example.org", "--service", "checkout")
    assert added.exit_code == 0, added.output
    name = added.stdout.partition(":")[0]

    (listed,) = json.loads(report("subscriptions", "list", "--json").stdout)
    assert (listed["subscription_id"], listed["audience"], listed["hour"]) == (name, ["mia@example.org"], 7)
    assert "mia@example.org" in report("subscriptions", "list").stdout
    assert report("subscriptions", "remove", name).exit_code == 0
    assert report("subscriptions", "remove", name).exit_code == 1
