"""Real workers evaluate shipped SLOs on real telemetry, and tell a real receiver; one dies, and another goes on."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from app.core.keyspace import ALERTS_EVALUATED, EVALUATOR_LEASE
from app.core.settings import hand_down
from app.core.telemetry.ledger import Row, RowKey
from app.core.telemetry.telemetry_store import TelemetryStore
from app.process import Process, ProcessSpec
from app.slo_composition import apply_shipped
from tests.core.notify.conftest import SECRET
from tests.core.notify.receivers import receive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import redis

    from app.core.database import Database
    from app.core.settings import Settings
    from tests.core.notify.receivers import Receiver

PROGRAM = (sys.executable, "-m", "app.cli.main", "worker", "--port", "0")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    yield from receive()


@pytest.fixture
def workers(settings: Settings, receiver: Receiver, tmp_path: Path) -> Iterator[list[Process]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLIPSTREAM_")}
    hand_down(settings, environment)
    environment |= {
        "SLIPSTREAM_NOTIFY_PAGE": receiver.url,
        "SLIPSTREAM_WEBHOOK_SECRET": SECRET,
        "SLIPSTREAM_OUTGOING_NETWORKS": "127.0.0.1",
        "SLIPSTREAM_RECLAIM_AFTER_S": "1",
    }
    started = [
        Process(
            ProcessSpec(
                name="worker", argv=PROGRAM, env=environment, ready=lambda: True, log=tmp_path / f"{number}.log"
            )
        )
        for number in range(2)
    ]
    yield started
    for process in started:
        process.stop()


def test_a_burst_of_errors_pages_and_the_death_of_the_evaluator_is_made_up_for(
    database: Database,
    database_url: str,
    workers: list[Process],
    receiver: Receiver,
    redis_client: redis.Redis,
    eventually: Callable[..., Any],
) -> None:
    apply_shipped(database_url, datetime.now(UTC))
    minute = int(datetime.now(UTC).timestamp()) // 60
    rows = [
        Row(RowKey(minute - back, None, "/events", "POST", "", status, ""), 500)
        for back in range(1, 8)
        for status in (202, 500)
    ]
    TelemetryStore(database).write_rows("test", rows)
    first, second = workers

    first.start()
    eventually(lambda: receiver.received)

    told = json.loads(receiver.received[0].body)
    assert told["type"] == "incident.firing"
    assert told["data"]["service"] == "slipstream"
    assert {alert["slo"] for alert in told["data"]["alerts"]} == {"availability"}

    second.start()
    holder = redis_client.get(EVALUATOR_LEASE)
    first.kill()
    evaluated = int(redis_client.get(ALERTS_EVALUATED) or 0)
    redis_client.set(ALERTS_EVALUATED, evaluated - 30_000)  # It would be due in half a minute.
    eventually(lambda: redis_client.get(EVALUATOR_LEASE) not in {None, holder})
    eventually(lambda: int(redis_client.get(ALERTS_EVALUATED) or 0) > evaluated)
    assert len(set(receiver.ids)) == 1
