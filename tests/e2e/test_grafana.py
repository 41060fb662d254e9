"""Every PromQL query of every panel, asked of a real Prometheus that scrapes the real platform with the exported rules.

What can go wrong or well is provoked, one cause after another. A panel has data, and other data once its cause has
happened; a panel that no cause is named for fails. The SQL of the other dashboards is asked of the same platform.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from app.core.failpoints import allow_hits
from app.embedded.tuning import Profile
from app.freeze import frozen
from app.named_routes import shipped_text
from app.platform import Platform, PlatformOptions, Role
from dashboards.grafana.boards import boards
from reporting.definitions.load import load
from tests.dashboards.grafana.expansion import Span, expanded_promql, expanded_sql, panels_of, used_variables
from tests.e2e.people import People
from tests.e2e.prometheus import running_prometheus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.prometheus import Prometheus

pytestmark = [pytest.mark.tools, pytest.mark.timeout(500)]

SCRAPE_S = 1
RATE_INTERVAL = "15s"
"""Long enough for a counter's first scrapes, short enough that a rate falls while one looks on."""
CHOSEN = {
    "service": [".*"],
    "slo": ["availability"],
    "route": [".*"],
    "tier": [".*"],
    "lane": [".*"],
}
OVERVIEW, SLO, INGESTION, ACCOUNTS = (
    f"{subject}-prometheus" for subject in ("overview", "slo-detail", "ingestion", "accounts")
)
BY_CAUSE = {
    "events": {
        OVERVIEW: {"Alerts evaluated", "Requests answered", "Time to answer", "Events"},
        SLO: {"Throughput", "P99 by endpoint", "Requests by endpoint", "Percentiles", "Requests by tier"},
        INGESTION: {"Events accepted", "Events settled", "Time from the 202 to the row", "Batches processed"},
        ACCOUNTS: {"Requests by tier", "Events accepted by tier"},
    },
    "failures": {
        OVERVIEW: {
            "Promises",
            "Alerts firing",
            "Error budget left",
            "Burn rate (5 minutes)",
            "Share of failed requests",
        },
        SLO: {
            "Error budget left",
            "Availability now",
            "Burn rate now",
            "Burn rate by window",
            "Share of bad events",
            "Availability",
            "Share of failed requests by endpoint",
            "Share of failed requests by tier",
        },
        ACCOUNTS: {"Share of failed requests by tier"},
    },
    "slowness": {INGESTION: {"Requests in flight"}},
    "refusals": {
        INGESTION: {"Batches refused"},
        ACCOUNTS: {
            "Share of limited requests by tier",
            "Refusals by reason",
            "Circuit breakers that changed",
            "Quota notices",
            "Strangers refused",
        },
    },
    "no worker": {
        OVERVIEW: {"Events that wait to be stored"},
        INGESTION: {
            "Events waiting",
            "Age of the oldest batch",
            "Bytes waiting",
            "Batches by shard",
            "Pressure",
            "Tiers refused",
            "Workers alive",
            "Shards without a worker",
            "Tasks done late",
        },
    },
    "a worker again, late": {INGESTION: {"Stored within a minute"}},
}
CONSTANTS = {(SLO, "Target")}
"""Has data, and no cause but another definition."""
OTHER_COLUMNS = {("Promises", "Target"), ("Availability", "target")}
LATE_S = 62

BUILT = {name: board.built() for name, board in boards(load(shipped_text()).definitions).by_name.items()}


@pytest.fixture
def markers(tmp_path: Path) -> Path:
    """Where failpoints look how often they may fire."""
    for name in ("fails", "slow"):
        allow_hits(tmp_path / name, 0)
    return tmp_path


@pytest.fixture
def platform(data_dir: Path, markers: Path) -> Iterator[Platform]:
    """One worker that is missed soon, little room in the queue, and little patience with strangers."""
    settings = {
        "SLIPSTREAM_FAILPOINTS": f"summary.is_slow=sleep:4@{markers / 'slow'},summary.fails=fail@{markers / 'fails'}",
        "SLIPSTREAM_RECLAIM_AFTER_S": "2",
        "SLIPSTREAM_QUEUE_MAX_BYTES": "1000000",
        "SLIPSTREAM_STRANGERS_PER_SECOND": "10",
    }
    with Platform(data_dir, PlatformOptions(workers=1, profile=Profile.TEST, settings=settings)).start() as platform:
        yield platform


@pytest.fixture
def prometheus(platform: Platform, tmp_path: Path, eventually: Callable[..., Any]) -> Iterator[Prometheus]:
    with running_prometheus(platform, tmp_path, scrape_s=SCRAPE_S) as found:
        eventually(found.scrapes_all)
        yield found


class Watcher:
    """Looks at the panels of a cause before and after it."""

    def __init__(self, prometheus: Prometheus, eventually: Callable[..., Any]) -> None:
        self._prometheus = prometheus
        self._eventually = eventually
        self.seen: set[tuple[str, str]] = set()

    def watch(self, cause: str, happen: Callable[[], object], *, while_it_lasts: bool = False) -> None:
        """Let a cause happen, and wait until each of its panels has data, and not those of before."""
        asked = [query for board, titles in BY_CAUSE[cause].items() for query in self._queries(board, titles)]
        before = [self._ask(query) for _, query in asked]
        with ThreadPoolExecutor(1) as pool:
            happening = pool.submit(happen)
            if not while_it_lasts:
                happening.result()
            for (panel, query), then in zip(asked, before, strict=True):
                assert self._changes(query, then), (panel, query, then)
                self.seen.add(panel)
            happening.result()

    def _changes(self, query: str, then: dict[Any, float]) -> bool:
        with suppress(AssertionError):
            self._eventually(lambda: self._ask(query) not in ({}, then))
            return True
        return False

    def has_data(self, board: str, title: str) -> bool:
        return all(self._ask(query) for _, query in self._queries(board, {title}))

    def _queries(self, board: str, titles: set[str]) -> list[tuple[tuple[str, str], str]]:
        panels = {panel["title"]: panel for panel in panels_of(BUILT[board])}
        return [
            ((board, title), target["expr"])
            for title in titles
            for target in panels[title]["targets"]
            if (title, target.get("legendFormat")) not in OTHER_COLUMNS
        ]

    def _ask(self, query: str) -> dict[Any, float]:
        found = self._prometheus.series(expanded_promql(query, CHOSEN, rate_interval=RATE_INTERVAL), time.time())
        return {labels: value for labels, value in found.items() if value == value}  # noqa: PLR0124 - NaN is no data.


def test_every_panel_has_data_that_change_when_their_cause_happens(
    platform: Platform, prometheus: Prometheus, markers: Path, eventually: Callable[..., Any]
) -> None:
    people, watcher = People(platform, markers), Watcher(prometheus, eventually)
    (worker,) = platform.processes(Role.WORKER)

    # Counters begin to exist, and are scraped, before what they count happens again.
    people.send(5)
    people.summaries(5)
    people.fail(1)
    people.be_refused()
    time.sleep(4 * SCRAPE_S)

    watcher.watch("events", lambda: people.send(20))
    watcher.watch("failures", lambda: people.fail(10))
    watcher.watch("slowness", lambda: people.be_slow(3), while_it_lasts=True)
    watcher.watch("refusals", people.be_refused)
    with frozen(worker.pid or 0):
        watcher.watch("no worker", lambda: (people.order_a_report(), people.fill()))
        time.sleep(LATE_S)
    watcher.watch("a worker again, late", people.send_slowly, while_it_lasts=True)

    every = {
        (name, panel["title"]) for name, built in BUILT.items() for panel in panels_of(built) if name in CHOSEN_BOARDS
    }
    assert watcher.seen | CONSTANTS == every
    assert all(watcher.has_data(*panel) for panel in CONSTANTS)
    check_variables(prometheus)
    check_sql(platform)


CHOSEN_BOARDS = {OVERVIEW, SLO, INGESTION, ACCOUNTS}


def check_variables(prometheus: Prometheus) -> None:
    """Ask for the values of every variable as Grafana does: the values of a label."""
    for board in CHOSEN_BOARDS:
        for variable in BUILT[board]["templating"]["list"][1:]:
            asked, _, label = variable["query"].removeprefix("label_values(").removesuffix(")").rpartition(", ")
            found = prometheus.series(expanded_promql(asked, CHOSEN, rate_interval=RATE_INTERVAL), time.time())
            assert {dict(labels)[label] for labels in found if label in dict(labels)}, variable["name"]


def check_sql(platform: Platform) -> None:
    """Ask the other dashboards' queries of the same platform: those of what has happened here have data."""
    now = datetime.now(UTC)
    span = Span(now - timedelta(hours=1), now + timedelta(minutes=1))
    chosen = {
        "slo": ["availability"],
        "service": ["slipstream"],
        "route": ["/events", "/accounts/{id}/summary"],
        "tier": ["enterprise", "standard", "free", ""],
        "account": ["acme", "small-1", "rude-1"],
    }
    elsewhere = {"Dead letters by reason", "Incidents", "Alerts firing"}
    with psycopg.connect(platform.instance.database_url) as connection:
        for name, built in BUILT.items():
            for panel in panels_of(built) if name not in CHOSEN_BOARDS else ():
                for target in panel["targets"]:
                    assert set(used_variables(target["rawSql"])) <= set(chosen)
                    rows = connection.execute(expanded_sql(target["rawSql"], chosen, span).encode()).fetchall()
                    assert rows or panel["title"] in elsewhere, (name, panel["title"])
