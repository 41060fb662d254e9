"""How deliveries get into the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.core.notify.delivery import Deliveries
from app.core.notify.notification import LETTERS
from app.core.notify.notify_tasks import register_notify_tasks
from app.core.notify.routes import Routes
from app.core.queue.stream_huey import StreamHuey
from tests.core.notify.conftest import NOW

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.valkey import Valkey


@pytest.fixture
def huey(valkey: Valkey) -> StreamHuey:
    return StreamHuey(client=valkey, read_timeout_s=0.05)


def test_letters_take_no_thread_that_is_kept_for_pages(huey: StreamHuey, database: Database) -> None:
    deliveries = Deliveries(database, Routes(), lambda *_: None, clock=lambda: NOW)
    enqueue = register_notify_tasks(huey, deliveries, database)
    for subject in (f"{LETTERS}snd_1", "incident-1"):
        enqueue(subject)

    urgent = [huey.dequeue(urgent=True) for _ in range(2)]
    rest = huey.dequeue()

    assert [task and task.args for task in urgent] == [("incident-1",), None]
    assert rest is not None
    assert (rest.name, rest.args) == ("deliver_letters", (f"{LETTERS}snd_1",))
