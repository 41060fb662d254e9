"""A worker process: takes accepted events from the queue and stores them, and runs the tasks of the task queue.

It has no part in HTTP but for its probes and metrics. Several of them, on several machines, share the work by leases.
"""

from __future__ import annotations

import gc
import os
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from app.alerting import make_evaluator
from app.core.database import Database
from app.core.dependency_checks import dependency_checks
from app.core.errors import DependencyError
from app.core.failpoints import failpoint
from app.core.findings import broken_promises
from app.core.health import Check, LivenessReport, Readiness
from app.core.keyspace import OUTBOX_TURN
from app.core.metrics.event_metrics import StoreMetrics
from app.core.metrics.exposition import Exposition
from app.core.metrics.queue_collector import WorkCollector
from app.core.notify.relay import Relay
from app.core.pools import TASKS_AT_ONCE, worker_pool_size
from app.core.queue.bundle import BulkSuspects, Policy
from app.core.queue.consumer import BulkWork
from app.core.queue.sacrifice import Sacrifice
from app.core.queue.shard_queue import Bounds, ShardQueue
from app.core.queue_checks import check_queue
from app.core.repeating import Repeating
from app.core.schema_store import head_revision
from app.core.server_store import server_facts
from app.core.settings import SettingsError, hand_down, load_settings, variable
from app.core.shard_directory import ShardDirectory
from app.core.turns import Turn
from app.core.valkey import Valkey
from app.limits import thresholds_of
from app.metrics_page import MetricsPage
from app.probes import Page, ProbeServer
from app.slo_composition import compose_slos
from app.task_queue import task_queue
from ingestion.admission.circuits import Circuits
from ingestion.admission.scripts import Scripts
from ingestion.repeated_answers import RepeatedAnswers
from ingestion.store_task import StoreTask
from ingestion.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

    from app.core.queue.consumer import StreamConsumer
    from app.core.settings import Settings

VALKEY_TIMEOUT_S = 5.0
"""A worker waits longer for Valkey than a request does: a bundle is large, and nobody stands at the counter."""
_STATEMENTS_A_BUNDLE = 4
"""After so many times the longest statement a bundle hangs: the process ends, and another takes the work over."""
_LINGER_S = 0.5
"""Time for a shard to gather more before the next bundle. 1,000 batches of one event a second, on two busy cores, cost the
worker and PostgreSQL a third at 0.25 s of what they cost without, and were stored sooner; at 0.5 s a quarter less than that."""
_OVERFLOW_PART = 5
"""The part of a bundle that the overflow may fill where several accounts are: a small one next to a whale waits for a fifth
of the time."""
_SHUTDOWN_S = 25.0
"""Shorter than what supervisors grant, Kubernetes as well as ours: 30 s."""
_GC_THRESHOLD = 50_000
"""New objects before a collection. A bundle is thousands of rows that live for a moment and refer to nothing; at Python's
own 700 they are looked through again and again, for a tenth of all work."""
RELAY_EVERY_S = 2.0
"""How soon a notification is noticed that somebody else has written."""
_JSON = "application/json"

log = structlog.get_logger(__name__)


class Worker:
    """One worker process. `run` ends at SIGTERM or SIGINT, with what is in hand stored and acknowledged."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database = open_database(settings)
        self._valkey = Valkey(settings.redis_url, timeout_s=max(VALKEY_TIMEOUT_S, settings.valkey_timeout_ms / 1_000))
        registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        self._tasks = task_queue(settings, self._database, self._valkey)
        self._consumer = self._make_consumer(StoreMetrics(registry))
        relay = Relay(self._database, self._tasks.notify)
        self._evaluator, evaluating = make_evaluator(
            settings,
            self._database,
            self._valkey,
            read=compose_slos(self._database, self._valkey).read,
            worker=self._tasks.huey.storage.stream.worker,
            then=lambda: relay.run(_now()),
        )
        self._beside = [
            Repeating("outbox", self._relay(relay), interval_s=RELAY_EVERY_S),
            evaluating,
        ]
        self._exposition = Exposition(
            registry, directory=None, collectors=[WorkCollector(lambda: self._consumer.counters)]
        )
        checks = dependency_checks(self._database, self._valkey, revision=head_revision(), needs_postgresql=True)
        self._readiness = Readiness([*checks, Check(name="threads", run=self._missing_threads)])
        metrics = MetricsPage(self._exposition, settings, self._database, self._valkey)
        self._beside.append(metrics.usage)
        pages: dict[str, Callable[[Message], Page]] = {"/livez": _livez, "/readyz": self._readyz, "/metrics": metrics}
        self._probes = ProbeServer(settings.worker_host, settings.worker_port, pages)

    def run(self) -> None:
        """Work until a signal ends it. Raises `SettingsError` when the promises would not hold on these servers."""
        refuse_broken_promises(self._settings, self._database, self._valkey)
        hand_down(self._settings, os.environ)
        gc.freeze()
        gc.set_threshold(_GC_THRESHOLD)
        self._probes.start()
        for repeating in self._beside:
            repeating.start()
        log.info("worker_started", port=self._probes.port, concurrency=self._settings.worker_concurrency)
        try:
            self._consumer.run()
        finally:
            for repeating in self._beside:
                repeating.stop()
            self._evaluator.resign()
            self._probes.stop()
            self._database.close()
        log.info("worker_ended")

    def _make_consumer(self, metrics: StoreMetrics) -> StreamConsumer:
        settings = self._settings
        bounds = Bounds(
            events=settings.bundle_max_events,
            bytes=settings.bundle_max_bytes,
            overflow=max(1, settings.bundle_max_events // _OVERFLOW_PART),
        )
        work = BulkWork(
            client=self._valkey,
            queue=ShardQueue(self._valkey, bounds=bounds),
            task=store_task(settings, self._database, self._valkey, metrics),
            concurrency=settings.worker_concurrency,
            linger_s=_LINGER_S,
            policy=Policy(pause_on=(DependencyError,), sacrifice=Sacrifice(f"{__name__}:suspects")),
            lease_ttl_s=settings.reclaim_after_s,
            task_timeout_s=_STATEMENTS_A_BUNDLE * settings.store_timeout_ms / 1_000,
            failpoint=failpoint,
        )
        return self._tasks.huey.create_consumer(
            bulk=work, workers=TASKS_AT_ONCE, reserved=True, shutdown_timeout=_SHUTDOWN_S
        )

    def _relay(self, relay: Relay) -> Callable[[], None]:
        turn = Turn(self._valkey, OUTBOX_TURN, every_s=RELAY_EVERY_S / 2)

        def run() -> None:
            if turn.take():
                relay.run(_now())

        return run

    def _missing_threads(self) -> str | None:
        return None if self._consumer.is_healthy() else "Not every thread runs."

    def _readyz(self, _headers: Message) -> Page:
        if self._consumer.stop_flag.is_set():
            self._readiness.stop()
        report = self._readiness.report()
        return Page(report.http_status, _JSON, msgspec.json.encode(report))


def open_database(settings: Settings) -> Database:
    """Make a pool that has a connection for every bundle in hand; the first use opens it."""
    return Database(
        settings.database_url,
        pool_size=worker_pool_size(settings),
        statement_timeout_ms=settings.store_timeout_ms,
        lock_timeout_ms=settings.store_timeout_ms,
        prepared_statements=settings.prepared_statements,
        name="slipstream worker",
    )


def store_task(settings: Settings, database: Database, valkey: Valkey, metrics: StoreMetrics) -> StoreTask:
    """Put together what works on the entries of the queue."""
    writer = Writer(database, statement_events=settings.bundle_max_events, clock=_now)
    circuits = Circuits(Scripts(valkey), ShardDirectory(valkey), thresholds=thresholds_of(settings))
    return StoreTask(writer, RepeatedAnswers(valkey), metrics, clock=_now, on_dead=circuits.died)


def suspects() -> BulkSuspects:
    """Make what stores an entry, in a child of its own, with which worker after worker has died."""
    settings = load_settings(os.environ)
    valkey = Valkey(settings.redis_url, timeout_s=VALKEY_TIMEOUT_S)
    return BulkSuspects(store_task(settings, open_database(settings), valkey, StoreMetrics(CollectorRegistry())))


def refuse_broken_promises(settings: Settings, database: Database, valkey: Valkey) -> None:
    """Raise `SettingsError` for a queue that forgets, or a PostgreSQL with too few connections.

    What cannot be asked now is no reason to refuse: a worker waits for its dependencies.
    """
    problems = _asked(lambda: broken_promises(check_queue(valkey)))
    problems += _asked(lambda: _missing_connections(settings, database))
    if problems:
        raise SettingsError(problems)


def _asked(examine: Callable[[], list[str]]) -> list[str]:
    try:
        return examine()
    except DependencyError as error:
        log.warning("started_unexamined", dependency=error.dependency, detail=error.detail)
        return []


def _missing_connections(settings: Settings, database: Database) -> list[str]:
    with database.begin() as connection:
        allowed = server_facts(connection).connections
    needed = worker_pool_size(settings)
    if needed <= allowed:
        return []
    name, bundles = variable("worker_concurrency"), settings.worker_concurrency
    return [
        f"{name} is {bundles}, which takes {needed} connections; PostgreSQL allows {allowed}: raise max_connections."
    ]


def _livez(_headers: Message) -> Page:
    return Page(HTTPStatus.OK, _JSON, msgspec.json.encode(LivenessReport()))


def _now() -> datetime:
    return datetime.now(UTC)
