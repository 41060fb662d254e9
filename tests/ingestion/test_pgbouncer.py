"""Everything that talks to PostgreSQL, through Debian's PgBouncer in transaction mode: nothing may need a session."""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from app.composition import Counting, compose_api
from app.core.database import Database
from app.core.errors import DependencyTimeoutError
from app.embedded.service_user import service_user
from ingestion.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.core.settings import Settings

pytestmark = pytest.mark.tools

CONFIGURATION = """
[databases]
* = host={socket_directory}
[pgbouncer]
unix_socket_dir = {directory}
listen_addr =
listen_port = 6432
auth_type = scram-sha-256
auth_file = {directory}/users.txt
pool_mode = transaction
default_pool_size = 2
max_client_conn = 200
logfile = {directory}/pgbouncer.log
"""


@pytest.fixture
def pooled_url(database_url: str, tmp_path: Path, eventually: Callable[..., Any]) -> Iterator[str]:
    """The address of this test's database through a PgBouncer with two connections for everybody."""
    parts = urlsplit(database_url)
    directory = tmp_path / "pgbouncer"
    directory.mkdir(mode=0o700)
    (directory / "users.txt").write_text(f'"{parts.username}" "{parts.password}"\n')
    socket_directory = parse_qs(parts.query)["host"][0]
    configuration = directory / "pgbouncer.ini"
    configuration.write_text(CONFIGURATION.format(directory=directory, socket_directory=socket_directory))
    user = service_user()
    as_user: dict[str, Any] = {}
    if user is not None:
        for path in (directory, *directory.iterdir()):
            shutil.chown(path, user.uid, user.gid)
        for parent in directory.parents:
            if parent.stat().st_uid == 0 and parent.stat().st_mode & 0o777 == 0o700:
                parent.chmod(0o711)
        as_user = {"user": user.uid, "group": user.gid, "extra_groups": []}
    process = subprocess.Popen(["/usr/sbin/pgbouncer", str(configuration)], stderr=subprocess.DEVNULL, **as_user)
    try:
        eventually((directory / ".s.PGSQL.6432").exists)
        yield f"{parts.scheme}://{parts.netloc}{parts.path}?host={quote(str(directory), safe='/')}&port=6432"
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture
def pooled(pooled_url: str) -> Iterator[Database]:
    database = Database(pooled_url, pool_size=8, prepared_statements=False)
    yield database
    database.close()


def test_the_store_writes_through_a_pool_of_transactions(pooled: Database, make_batch: Any, tables: Any) -> None:
    writer = Writer(pooled, statement_events=100, clock=lambda: datetime.now(UTC))
    bundles = [
        [make_batch(*[{"event_id": f"{bundle}-{n}", "type": "t", "payload": {"n": n}} for n in range(250)])]
        for bundle in range(12)
    ]

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(writer.store, bundles))
        again = list(threads.map(writer.store, bundles))

    assert tables.value("SELECT count(*) FROM events") == 3_000
    assert tables.value("SELECT sum(events) FROM event_rollups WHERE width = 1440") == 3_000
    assert again == [[]] * 12


def test_deadlines_hold_though_connections_are_shared(pooled_url: str) -> None:
    patient = Database(pooled_url, statement_timeout_ms=10_000, prepared_statements=False)
    hasty = Database(pooled_url, statement_timeout_ms=100, prepared_statements=False)
    try:
        for _ in range(4):
            with patient.begin() as connection:
                connection.execute(text("SELECT pg_sleep(0.2)"))
            with pytest.raises(DependencyTimeoutError), hasty.begin() as connection:
                connection.execute(text("SELECT pg_sleep(5)"))
    finally:
        patient.close()
        hasty.close()


def test_the_api_answers_through_a_pool_of_transactions(pooled_url: str, settings: Settings, world: Any) -> None:
    through = replace(settings, database_url=pooled_url, prepared_statements=False)
    api = compose_api(through, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    client = api.app.test_client()
    mine = {"Authorization": f"Bearer {world.alice.key}"}
    operator = {"Authorization": f"Bearer {settings.admin_token}"}
    try:
        event = {"event_id": "1", "type": "t"}
        accepted = client.post("/events", json={"events": [event]}, headers=mine | {"Idempotency-Key": "k"})
        assert accepted.status_code == 202
        now = datetime.now(UTC).isoformat()
        record = {"timestamp": now, "route": "/pay", "method": "POST", "status": 200, "duration_ms": 12.5}
        for number in range(12):
            telemetry = {"service": "checkout", "requests": [record]}
            answer = client.post("/telemetry", json=telemetry, headers=mine | {"Idempotency-Key": str(number)})
            assert answer.status_code == 202
        for _ in range(12):
            assert client.get("/accounts/acme/summary?window=1h", headers=mine).status_code == 200
            assert client.get("/accounts", headers=operator).status_code == 200
            assert client.get("/readyz").json["status"] == "ready"
    finally:
        api.close()
