"""`/status` over HTTP: for everybody, cached, without a cookie, and there when PostgreSQL is not."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

from app.cli.main import main
from app.composition import Counting, compose_api
from app.named_routes import shipped_text
from app.slo_composition import compose_slos
from dashboards.status import disk
from dashboards.status.rendering import rendered
from dashboards.status.status_tasks import register_status_tasks
from reporting.publication.publication import Rule
from reporting.publication.publications import Publications
from tests.dashboards.status.pages import page, service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask.testing import FlaskClient

    from app.core.database import Database
    from app.core.settings import Settings
    from app.core.valkey import Valkey

PATHS = ("/status", "/status.json", "/status.atom", "/status/badges/slipstream.svg")


@pytest.fixture
def promised(database: Database, valkey: Valkey) -> None:
    compose_slos(database, valkey).catalogue.apply(shipped_text(), by="tests", now=datetime.now(UTC))


@pytest.mark.parametrize("path", PATHS)
def test_everybody_reads_it_without_a_key_or_a_cookie(promised: None, client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert answer.headers["Cache-Control"].startswith("public, max-age=15")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert int(answer.headers["Age"]) >= 0


@pytest.mark.parametrize("path", PATHS)
def test_who_has_the_last_copy_is_told_so(promised: None, client: FlaskClient, path: str) -> None:
    first = client.get(path)

    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.data) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"another"'}).status_code == 200


def test_a_platform_without_promises_has_an_empty_page(client: FlaskClient) -> None:
    assert b"No service is shown here yet" in client.get("/status").data
    assert client.get("/status.json").get_json()["services"] == []
    assert client.get("/status/badges/slipstream.svg").status_code == 404


def test_a_badge_of_nobody_is_not_found(promised: None, client: FlaskClient) -> None:
    for name in ("other", "..%2f..%2fetc%2fpasswd", "%00"):
        assert client.get(f"/status/badges/{name}.svg").status_code == 404


def test_while_postgresql_is_away_the_copy_on_disk_is_shown_with_its_age(settings: Settings, tmp_path: Path) -> None:
    copy = rendered(page(service("checkout")), "https://status.example")
    disk.write(copy, tmp_path)
    away = replace(settings, database_url="postgresql://nobody@127.0.0.1:1/none", status_directory=str(tmp_path))
    api = compose_api(away, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    client = api.app.test_client()

    html, json = client.get("/status"), client.get("/status.json")

    assert (html.status_code, json.status_code) == (200, 200)
    assert b"This is how it was" in html.data
    assert json.data == copy.files["status.json"]
    age = (datetime.now(UTC) - copy.as_of).total_seconds()
    assert int(json.headers["Age"]) == pytest.approx(max(age, 0), abs=60)
    api.close()


def test_without_any_copy_postgresql_s_absence_is_an_answer_with_a_time_to_come_back(settings: Settings) -> None:
    away = replace(settings, database_url="postgresql://nobody@127.0.0.1:1/none")
    api = compose_api(away, Counting(CollectorRegistry(), None), now=datetime.now(UTC))

    answer = api.app.test_client().get("/status")

    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    api.close()


def test_a_copy_costs_no_look_at_postgresql(promised: None, client: FlaskClient, database: Database) -> None:
    client.get("/status")
    database.close()
    began = time.monotonic()

    assert {client.get(path).status_code for path in PATHS for _ in range(50)} == {200}
    assert time.monotonic() - began < 60


def test_the_command_writes_every_form(promised: None, settings: Settings, tmp_path: Path) -> None:
    environ = {"SLIPSTREAM_DATABASE_URL": settings.database_url, "SLIPSTREAM_REDIS_URL": settings.redis_url}

    done = CliRunner().invoke(main, ["status", "export", str(tmp_path / "status")], env=environ)

    assert (done.exit_code, done.stdout) == (0, f"4 files in {tmp_path / 'status'}\n")
    copy = disk.read(tmp_path / "status")
    assert copy is not None
    assert set(copy.files) == {"index.html", "status.json", "status.atom", "badges/slipstream.svg"}


class Tasks:
    """Notes the periodic tasks that are registered with it."""

    def __init__(self) -> None:
        self.registered: dict[str, Callable[[], None]] = {}

    def periodic_task(self, _when: Any, *, name: str) -> Callable[[Callable[[], None]], None]:
        return lambda task: self.registered.update({name: task})


def test_a_periodic_task_writes_the_page_where_there_is_a_directory_for_it(database: Database, tmp_path: Path) -> None:
    tasks, copy = Tasks(), rendered(page(service()), "https://status.example")
    publications = Publications(database)

    register_status_tasks(tasks, publications, lambda: copy, rule=Rule.NEVER, directory=None)  # type: ignore[arg-type]  # A twin.
    assert tasks.registered == {}
    register_status_tasks(tasks, publications, lambda: copy, rule=Rule.NEVER, directory=tmp_path)  # type: ignore[arg-type]
    tasks.registered["publish_status"]()

    assert disk.read(tmp_path) == copy
