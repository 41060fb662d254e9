"""Huey's own tests of its documented behaviour, from its wheel, on its own Redis storage and on ours.

Where ours differs on purpose, the difference is named here with its reason, and a test of ours says what holds instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from huey import RedisHuey
from huey.tests import test_api, test_consumer, test_immediate, test_signals, test_storage

from app.core.queue.stream_huey import StreamHuey
from app.core.valkey import Valkey

if TYPE_CHECKING:
    from datetime import datetime

    from huey.api import Task


class OnServer:
    """Gives a suite of Huey's an empty server."""

    immediate = False

    @pytest.fixture(autouse=True)
    def _server(self, valkey_url: str) -> None:
        self.url = valkey_url


class Stock(OnServer):
    """Huey as it comes."""

    pytestmark: ClassVar = [pytest.mark.one_server("its Redis storage knows no clusters")]
    differences: ClassVar = {
        "test_reschedule_priority": "its Redis storage has no priorities",
        "test_priority": "its Redis storage has no priorities",
        "test_group_priorities": "its Redis storage has no priorities",
        "test_group_callback": "its Redis storage has no priorities",
        "test_chord_bookkeeping_cleared": "looks into the memory storage",
    }

    def get_huey(self) -> RedisHuey:
        return RedisHuey(url=self.url, utc=False, read_timeout=0.01, immediate=self.immediate)


class Streams(OnServer):
    """Huey on our streams, with Huey's default of no retries and no wait before one."""

    differences: ClassVar = {
        "test_reschedule_priority": "two levels of priority: see test_stream_storage",
        "test_group_priorities": "two levels of priority: see test_stream_storage",
        "test_group_callback": "two levels of priority: see test_stream_storage",
        "test_priority": "two levels of priority: see test_stream_storage",
        "test_chord_bookkeeping_cleared": "looks into the memory storage: see test_stream_huey",
        "test_schedule_methods": "what is due moves to the queue instead of the caller: see test_stream_storage",
    }

    def get_huey(self) -> StreamHuey:
        return HandsOutWhatIsDue(
            client=Valkey(self.url, timeout_s=5.0),
            retries=0,
            backoff=None,
            utc=False,
            read_timeout_s=0.01,
            immediate=self.immediate,
        )


class HandsOutWhatIsDue(StreamHuey):
    """Returns due tasks to the caller, as Huey's tests expect it, after they went the safe way through the queue."""

    def read_schedule(self, timestamp: datetime | None = None) -> list[Task]:
        super().read_schedule(timestamp)
        due = []
        while (task := self.dequeue()) is not None:
            due.append(task)
        return due


SLOW = {
    "test_consumer_timeout": "waits for the wall clock",
    "test_put_if_empty_ttl": "waits for the wall clock: see test_stream_storage",
    "test_consumer_integration": "see test_consumer",
}


class Immediate(test_immediate.TestImmediate):
    """Tasks run in the caller, on Huey's own storage in memory."""

    immediate = True


class StorageContract(test_storage.StorageTests, test_storage.BaseTestCase):
    """What every storage of Huey's is tested for."""

    __test__ = False


SUITES = (
    StorageContract,
    test_api.TestQueue,
    test_api.TestDecorators,
    test_api.TestTaskHooks,
    test_api.TestGroupPrimitive,
    test_api.TestChordPrimitive,
    test_api.TestTaskChaining,
    test_api.TestTaskLocking,
    test_api.TestRateLimit,
    test_api.TestHueyAPIs,
    test_api.TestStorageWrappers,
    test_api.TestDocstring,
    test_signals.TestSignals,
    test_consumer.TestConsumerIntegration,
    Immediate,
)


def _suites() -> dict[str, Any]:
    made = {}
    for suite in SUITES:
        for backend in (Stock, Streams):
            name = f"Test{suite.__name__.removeprefix('Test')}On{backend.__name__}"
            left_out = dict.fromkeys(backend.differences | SLOW)
            made[name] = type(
                name,
                (suite, backend) if suite is Immediate else (backend, suite),
                {"__test__": True, "__module__": __name__, **left_out},
            )
    return made


globals().update(_suites())
