"""Somebody who sends events while another account is erased."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ingestion.reading import read_entry

if TYPE_CHECKING:
    from typing import Self

    from flask.testing import FlaskClient

    from app.core.queue.shard_queue import ShardQueue
    from ingestion.writer import Writer


class Neighbour:
    """Goes on all the while: sends events, and has them stored."""

    def __init__(self, client: FlaskClient, key: str, writer: Writer, queue: ShardQueue, shard: int) -> None:
        self.answers: list[int] = []
        self.errors: list[BaseException] = []
        self._client, self._key, self._writer, self._queue, self._shard = client, key, writer, queue, shard
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._stop.wait(0.02):
            try:
                self.answers.append(send(self._client, self._key, f"n{len(self.answers)}"))
                store(self._writer, self._queue, self._shard)
            except BaseException as error:  # noqa: BLE001 - The test looks at it.
                self.errors.append(error)


def send(client: FlaskClient, key: str, event_id: str) -> int:
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": event_id}
    events = [{"event_id": event_id, "type": "x", "payload": {"of": event_id}}]
    return client.post("/events", json={"events": events}, headers=headers).status_code


def store(writer: Writer, queue: ShardQueue, shard: int) -> None:
    """Store what waits on a shard, as a worker does."""
    while entries := queue.take(shard, "me").entries:
        writer.store([read_entry(entry) for entry in entries])
        queue.settle(entries, again=False)
