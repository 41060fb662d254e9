"""People who cause what panels show."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from app.client import Link
from app.core.failpoints import allow_hits

if TYPE_CHECKING:
    from pathlib import Path

    from app.platform import Platform


class People:
    """Accounts that do what causes need."""

    def __init__(self, platform: Platform, markers: Path) -> None:
        self._platform = platform
        self._markers = markers
        self._key = platform.create_account("acme", tier="enterprise")
        self._number = self._times = 0

    def send(self, batches: int, *, key: str = "", bytes_each: int = 10) -> set[int]:
        return {self._post(key or self._key, bytes_each) for _ in range(batches)}

    def send_slowly(self) -> None:
        """Send now and then, for as long as it takes until what waited is stored and more is let in."""
        for _ in range(20):
            self.send(1)
            time.sleep(1)

    def fail(self, times: int) -> None:
        fired = self._fired("fails")
        allow_hits(self._markers / "fails", fired + times)
        assert {self._summary() for _ in range(times)} == {500}

    def be_slow(self, times: int) -> None:
        allow_hits(self._markers / "slow", self._fired("slow") + times)
        with ThreadPoolExecutor(times) as pool:
            assert set(pool.map(lambda _: self._summary(), range(times))) == {200}

    def be_refused(self) -> None:
        """Reach a quota, send rubbish until the circuit opens, and knock with keys that nobody knows."""
        self._times += 1
        small = self._platform.create_account(f"small-{self._times}", overrides={"daily_quota": 20})
        rude = self._platform.create_account(f"rude-{self._times}", tier="free")
        assert self.send(5, key=small) == {202, 429}
        with Link(self._platform.base_url, key=rude) as link:
            for _ in range(30):
                link.post("/events", b'{"events": [{"type": 7}]}')
        with Link(self._platform.base_url, key=self._key[:-1] + "x") as link:
            for _ in range(60):
                link.get("/accounts/acme/summary?window=1h")

    def order_a_report(self) -> None:
        """Give the task queue something to do."""
        with self._platform.admin() as admin:
            admin.call("POST", "/reports", {"kind": "monthly", "period": "2026-10"}, expect=202)

    def fill(self) -> None:
        """Fill the queue, of which one account may have a quarter."""
        keys = [self._platform.create_account(f"crowd-{number}", tier="enterprise") for number in range(4)]
        assert set().union(*(self.send(25, key=key, bytes_each=1_000) for key in keys)) <= {202, 503}

    def summaries(self, times: int) -> None:
        assert {self._summary() for _ in range(times)} == {200}

    def _summary(self) -> int:
        with Link(self._platform.base_url, key=self._key) as link:
            return link.get("/accounts/acme/summary?window=1h").status

    def _post(self, key: str, bytes_each: int) -> int:
        self._number += 1
        events = [
            {"event_id": f"e{self._number}-{place}", "type": "flight", "payload": {"text": "x" * bytes_each}}
            for place in range(10)
        ]
        with Link(self._platform.base_url, key=key) as link:
            return link.post("/events", json.dumps({"events": events}).encode()).status

    def _fired(self, name: str) -> int:
        marker = self._markers / name
        return len(marker.read_text().splitlines()) if marker.exists() else 0
