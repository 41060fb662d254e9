"""Asks while a fault lasts what its load does not: whether the API lives, and summaries, more at once than it has threads."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from app.cli.chaos.scene import StrikeError
from app.client import CutError, Link

if TYPE_CHECKING:
    from app.cli.chaos.scene import Scene

OK = 200
HONEST = {200, 429, 503, 504}
READERS = 24
PAUSE_S = 0.2
PATIENCE_S = 20.0
LIVEZ_S = 3.0
"""Within this time a process must show that it lives; supervisors give it from 1 to 5 s, three times over."""
TOLERANCE_S = 2.5
"""Past a request's deadline, for a machine that has much else to do."""


@dataclass(frozen=True, slots=True)
class _Seen:
    path: str
    status: int
    took_s: float


class Witness:
    """`with Witness(scene): …` raises `StrikeError` at the end when the API was silent, late, or answered with an error."""

    def __init__(self, scene: Scene, *, deadline_s: float = 5.0) -> None:
        self._base_url = scene.platform.base_url
        self._accounts = scene.accounts
        self._deadline_s = deadline_s
        self._stopping = threading.Event()
        self._seen: list[_Seen] = []
        self._threads = [threading.Thread(target=self._watch, args=("/livez", ""))]
        for number in range(READERS):
            account = self._accounts[number % len(self._accounts)]
            window = ("1h", "24h", "7d", "30d")[number % 4]
            path = f"/accounts/{account.account_id}/summary?window={window}"
            self._threads.append(threading.Thread(target=self._watch, args=(path, account.key)))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        if kind is None:
            self._judge()

    def _watch(self, path: str, key: str) -> None:
        with Link(self._base_url, key=key, timeout_s=PATIENCE_S) as link:
            while not self._stopping.is_set():
                since = time.monotonic()
                try:
                    status = link.get(path).status
                except CutError:
                    status = 0
                self._seen.append(_Seen(path, status, time.monotonic() - since))
                self._stopping.wait(PAUSE_S)

    def _judge(self) -> None:
        probes = [seen for seen in self._seen if seen.path == "/livez"]
        reads = [seen for seen in self._seen if seen.path != "/livez"]
        if not probes or not reads:
            raise StrikeError("The witness has seen nothing.")
        if wrong := [seen for seen in probes if seen.status != OK or seen.took_s > LIVEZ_S]:
            raise StrikeError(f"/livez did not answer as it must, {len(wrong)} of {len(probes)} times: {wrong[:3]}")
        if wrong := [seen for seen in reads if seen.status not in HONEST]:
            raise StrikeError(f"Summaries were neither answered nor refused, {len(wrong)} times: {wrong[:3]}")
        if wrong := [seen for seen in reads if seen.took_s > self._deadline_s + TOLERANCE_S]:
            raise StrikeError(f"Summaries came after their deadline, {len(wrong)} times: {wrong[:3]}")
