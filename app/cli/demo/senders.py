"""One sender an airline, each with its own key: the client of `examples/`, as a user would run it."""

from __future__ import annotations

import importlib.util
import threading
from typing import TYPE_CHECKING, Any

from app.cli.demo import limits
from app.cli.demo.flights import EXAMPLES
from app.cli.demo.limits import BROKEN, Told
from app.client import Link

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import ModuleType


def example_client() -> ModuleType:
    """Load the client that users copy; `examples/` is a directory of files, not a package."""
    spec = importlib.util.spec_from_file_location("slipstream_client", EXAMPLES / "slipstream_client.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(EXAMPLES / "slipstream_client.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Senders:
    """Sends every airline's events at the same time; `accepted` grows while it does."""

    def __init__(
        self, url: str, keys: Mapping[str, str], events: Mapping[str, list[dict[str, Any]]], *, spool: Path, batch: int
    ) -> None:
        kind = example_client().Client
        self.clients = {airline: kind(url, key, spool=spool / airline) for airline, key in keys.items()}
        self._url = url
        self._keys = keys
        self._events = events
        self._batch = batch
        self._circuits: list[str] = []
        self._threads = [threading.Thread(target=self._send, args=(airline,), daemon=True) for airline in keys]

    @property
    def accepted(self) -> int:
        return sum(client.accepted for client in self.clients.values())

    @property
    def refused(self) -> int:
        """Batches refused for good, but for those that were rubbish."""
        refused: int = sum(client.refused for client in self.clients.values())
        return refused - limits.RUBBISH_REQUESTS

    @property
    def told(self) -> dict[str, Told]:
        """What each client was answered."""
        return {
            airline: Told(
                dict(client.answers), len(self._events[airline]), tuple(self._circuits) if airline == BROKEN else ()
            )
            for airline, client in self.clients.items()
        }

    @property
    def running(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _send(self, airline: str) -> None:
        client = self.clients[airline]
        events = self._events[airline]
        size = self._batch
        if airline == BROKEN:
            size = limits.SMALL_BATCH
            for _ in range(limits.RUBBISH_REQUESTS):
                client.add(dict(limits.RUBBISH))
                client.flush()
            self._look_at_circuit(airline)
        for start in range(0, len(events), size):
            for event in events[start : start + size]:
                client.add(event)
            client.flush()
        if airline == BROKEN:
            self._look_at_circuit(airline)
        client.close()

    def _look_at_circuit(self, airline: str) -> None:
        with Link(self._url, key=self._keys[airline]) as link:
            self._circuits.append(limits.circuit_of(link.call("GET", f"/accounts/{airline}/usage")))
