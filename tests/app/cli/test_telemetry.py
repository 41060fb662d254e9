"""`slipstream telemetry import`."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from app.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from app.core.database import Database
    from app.core.settings import Settings
    from tests.conftest import World

LINE = '10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /pay HTTP/1.1" 200 5 "-" "-"\n'


@pytest.fixture
def run(settings: Settings) -> Callable[..., Result]:
    def import_it(*arguments: Any) -> Result:
        environment = {
            "SLIPSTREAM_DATABASE_URL": settings.database_url,
            "SLIPSTREAM_REDIS_URL": settings.redis_url,
        }
        return CliRunner().invoke(main, ["telemetry", "import", *map(str, arguments)], env=environment)

    return import_it


def test_a_log_is_imported_once_and_its_bad_lines_are_shown(run: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    file.write_text(LINE + "nonsense\n" + LINE)

    first = run(file, "--format", "combined", "--service", "website")
    again = run(file, "--format", "combined", "--service", "website", "--json")

    assert first.exit_code == 0, first.output
    assert "2 requests in 3 lines, 1 bad" in first.output
    assert "line 2: not a line of a combined log: nonsense" in first.output
    assert json.loads(again.stdout)["requests"] == 0


def test_a_gzipped_copy_under_another_name_is_the_same_file(run: Callable[..., Result], tmp_path: Path) -> None:
    file, rotated = tmp_path / "access.log", tmp_path / "access.log.1"
    file.write_text(LINE * 3)
    rotated.write_bytes(gzip.compress((LINE * 4).encode()))

    run(file, "--format", "combined", "--service", "website")
    result = run(rotated, "--format", "combined", "--service", "website", "--json")

    assert json.loads(result.stdout)["requests"] == 1


def test_a_gzip_that_is_cut_off_is_said_to_be(run: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "access.log.gz"
    file.write_bytes(gzip.compress((LINE * 4).encode())[:-12])

    result = run(file, "--format", "combined", "--service", "website")

    assert result.exit_code == 1
    assert str(file) in result.output


@pytest.mark.parametrize("service", ["", "web site", "a/b", "x" * 64])
def test_a_service_that_no_slo_could_name_is_wrong_usage(
    run: Callable[..., Result], tmp_path: Path, service: str
) -> None:
    file = tmp_path / "access.log"
    file.write_text(LINE)

    assert run(file, "--format", "combined", "--service", service).exit_code == 2


def test_the_platforms_own_service_is_refused(run: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    file.write_text(LINE)

    result = run(file, "--format", "combined", "--service", "slipstream")

    assert result.exit_code == 1
    assert "platform itself" in result.output


def test_a_new_service_may_be_given_to_an_account_that_exists(
    run: Callable[..., Result], tmp_path: Path, database: Database, world: World
) -> None:
    file = tmp_path / "access.log"
    file.write_text(LINE)

    assert run(file, "--format", "combined", "--service", "shop", "--account", "nobody").exit_code == 2
    assert run(file, "--format", "combined", "--service", "shop", "--account", "acme").exit_code == 0
    with database.begin() as connection:
        owners = connection.execute(text("SELECT service, account_id FROM telemetry_services")).all()
    assert [tuple(row) for row in owners] == [("shop", "acme")]
