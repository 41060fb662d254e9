"""What is in the outbox gets into the queue."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.core.notify.relay import Relay
from tests.core.notify.conftest import NOW

if TYPE_CHECKING:
    from app.core.database import Database
    from tests.core.notify.conftest import Town


def test_the_relay_puts_a_subject_into_the_queue_until_its_task_has_come(
    database: Database, write: Any, town: Town, make_deliveries: Any
) -> None:
    write(1, 2)
    write(3, subject="incident-2")
    queue: list[str] = []
    relay = Relay(database, queue.append)

    assert relay.run(NOW) == 2
    assert relay.run(NOW) == 0
    assert sorted(queue) == ["incident-1", "incident-2"]
    make_deliveries().deliver("incident-1", by="a")

    # The task of the other was lost.
    assert relay.run(NOW + timedelta(seconds=61)) == 1
    assert queue[-1] == "incident-2"
