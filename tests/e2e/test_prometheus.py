"""A real Prometheus scrapes the real platform, evaluates the exported rules, and agrees with what we count ourselves.

How far it may be off: Prometheus knows counters at its scrapes alone, `s` seconds apart, and stretches what happened
between the first and the last one in a window of `w` seconds to the whole of it. So an increase is at most `2 s / (w - 2 s)`
of itself too large or too small, and an error ratio, made of two of them, at most as much of the total. What a counter
counted before its first scrape is lost to Prometheus, so every series is made to exist before the window begins; and while
it is scraped, the platform answers the scrapes, which are requests as well.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from app.client import Link
from app.embedded.tuning import Profile
from app.freeze import frozen
from app.named_routes import shipped_text
from app.platform import Platform, PlatformOptions, Role
from dashboards.prometheus.queries import query_of
from reporting.definitions.load import load
from tests.e2e.prometheus import running_prometheus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.prometheus import Prometheus

pytestmark = [pytest.mark.tools, pytest.mark.timeout(400)]

SCRAPE_S = 1
QUIET_S = 3 * SCRAPE_S
LATE_AFTER_S = 62
FAILED, SLOW = 15, 12
"""Summaries that fail, and that are slow, by failpoints."""


@pytest.fixture
def armed(tmp_path: Path) -> dict[str, str]:
    """Summaries that fail or are slow, each as often as a file says."""
    slow, fails = tmp_path / "slow", tmp_path / "fails"
    for marker in (slow, fails):
        marker.with_name(f"{marker.name}.limit").write_text("0")
    return {"SLIPSTREAM_FAILPOINTS": f"summary.is_slow=sleep:0.7@{slow},summary.fails=fail@{fails}"}


@pytest.fixture
def platform(data_dir: Path, armed: dict[str, str]) -> Iterator[Platform]:
    """One worker, and patience with Valkey, so that one that is frozen makes answers slow and not wrong."""
    patience = {"SLIPSTREAM_VALKEY_TIMEOUT_MS": "8000", "SLIPSTREAM_REQUEST_DEADLINE_MS": "10000"}
    options = PlatformOptions(workers=1, profile=Profile.TEST, settings={**armed, **patience})
    with Platform(data_dir, options).start() as platform:
        yield platform


@pytest.fixture
def prometheus(platform: Platform, tmp_path: Path, eventually: Callable[..., Any]) -> Iterator[Prometheus]:
    """Debian's Prometheus, which scrapes the API and the worker and has the exported rules."""
    with running_prometheus(platform, tmp_path, scrape_s=SCRAPE_S) as found:
        eventually(found.scrapes_all)
        yield found


class Traffic:
    """Requests of one account, good ones and bad ones."""

    def __init__(self, platform: Platform, tmp_path: Path) -> None:
        self._platform = platform
        self._key = platform.create_account("acme", tier="enterprise")
        self._limits = tmp_path
        self._events = 0

    def events(self, batches: int, *, at_once: int = 1) -> None:
        """Send batches of ten events, which are accepted, however long that takes."""
        with ThreadPoolExecutor(at_once) as pool:
            assert set(pool.map(self._post, range(batches))) == {202}

    def summaries(self, times: int) -> None:
        assert self._summaries(times) == {200}

    def failing_summaries(self, times: int) -> None:
        self._allow("fails", times)
        assert self._summaries(times) == {500}

    def slow_summaries(self, times: int) -> None:
        self._allow("slow", times)
        assert self._summaries(times) == {200}

    def settled(self) -> bool:
        """Say whether nothing waits to be stored."""
        with self._platform.admin() as admin:
            text = admin.get("/metrics").body.decode()
        waiting = [line for line in text.splitlines() if line.startswith("slipstream_queue_events{")]
        return all(float(line.rpartition(" ")[2]) == 0 for line in waiting)

    def _post(self, _: int) -> int:
        self._events += 10
        first = self._events
        events = [{"event_id": f"e{first + number}-{time.time_ns()}", "type": "flight"} for number in range(10)]
        with Link(self._platform.base_url, key=self._key) as link:
            return link.post("/events", json.dumps({"events": events}).encode()).status

    def _summaries(self, times: int) -> set[int]:
        def read(_: int) -> int:
            with Link(self._platform.base_url, key=self._key) as link:
                return link.get("/accounts/acme/summary?window=1h").status

        with ThreadPoolExecutor(4) as pool:
            return set(pool.map(read, range(times)))

    def _allow(self, name: str, times: int) -> None:
        """Let a failpoint fire so many more times."""
        marker = self._limits / name
        fired = len(marker.read_text().splitlines()) if marker.exists() else 0
        (self._limits / f"{name}.limit").write_text(str(fired + times))


@dataclass(frozen=True, slots=True)
class Counted:
    """An SLO's events up to now, by our own count."""

    bad: int
    total: int


def ours(platform: Platform) -> dict[str, Counted]:
    with platform.admin() as admin:
        found = admin.call("GET", "/slos")
    return {slo["name"]: Counted(slo["bad"], slo["total"]) for slo in found["slos"]}


def test_prometheus_counts_what_we_count_for_every_shipped_slo_with_bad_events_in_each(
    platform: Platform, prometheus: Prometheus, tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    definitions = {definition.name: definition for definition in load(shipped_text()).definitions}
    traffic = Traffic(platform, tmp_path)
    (valkey,), (worker,) = platform.processes(Role.VALKEY), platform.processes(Role.WORKER)

    # Every series exists, and is scraped, before the window begins.
    traffic.events(20)
    traffic.summaries(20)
    traffic.failing_summaries(1)
    traffic.slow_summaries(1)
    eventually(traffic.settled)
    time.sleep(QUIET_S)
    before, began = ours(platform), time.time()
    time.sleep(QUIET_S)

    with frozen(worker.pid or 0):
        traffic.events(30)
        late_at = time.monotonic() + LATE_AFTER_S
        traffic.summaries(100)
        traffic.failing_summaries(FAILED)
        traffic.slow_summaries(SLOW)
        with ThreadPoolExecutor(1) as pool, frozen(valkey.pid or 0):
            slow = pool.submit(traffic.events, 4, at_once=4)
            time.sleep(2.5)
        slow.result()
        time.sleep(max(0.0, late_at - time.monotonic()))
    eventually(traffic.settled)
    traffic.events(30)
    eventually(traffic.settled)
    time.sleep(QUIET_S)
    after, ended = ours(platform), time.time()

    window_s = round(ended - began)
    bound = 2 * SCRAPE_S / (window_s - 2 * SCRAPE_S)
    assert set(before) >= set(definitions)
    for name, definition in definitions.items():
        bad, total = after[name].bad - before[name].bad, after[name].total - before[name].total
        query = query_of(definition.indicator)
        their_bad, their_total = (
            prometheus.query(expression, ended)
            for expression in (query.bad_in(f"{window_s}s"), query.total_in(f"{window_s}s"))
        )
        assert bad > 0, name
        assert their_bad is not None, name
        assert their_total is not None, name
        scrapes = 2 * QUIET_S if name == "availability" else 0
        assert their_total == pytest.approx(total, abs=bound * total + scrapes), name
        assert their_bad / their_total == pytest.approx(bad / total, abs=bound), name

    assert after["availability"].bad - before["availability"].bad == FAILED
    assert after["freshness"].bad - before["freshness"].bad >= 300

    # The rules of the exported files come to it as well, and fire.
    for name in definitions:
        recorded = prometheus.query(f'slipstream:slo_error_ratio:increase5m{{slo="{name}"}}', ended)
        assert recorded is not None
        assert recorded > 0
        firing = f'count(ALERTS{{alertname="ErrorBudgetBurn", alertstate="firing", slo="{name}"}})'
        eventually(lambda firing=firing: prometheus.query(firing, time.time()))
    assert prometheus.query('ALERTS{alertname="DeadMansSwitch", alertstate="firing"}', time.time()) == 1
