"""The only place that puts the API together: every part gets what it needs from here, and nothing looks for it elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from app.alerting import alert_routes, compose_alerts, evaluator_watch
from app.api import accounts as accounts_api
from app.api import erasures as erasures_api
from app.api import keys as keys_api
from app.api import operations
from app.api import tiers as tiers_api
from app.connection_pools import ConnectionPools
from app.core.accounts_service import Accounts
from app.core.audit import Audit
from app.core.authentication import Authenticator
from app.core.dependency_checks import dependency_checks
from app.core.erasure.erasures import Erasures
from app.core.health import Readiness
from app.core.http.guard import Guard
from app.core.http.recording import ChangeRecord
from app.core.key_usage import KeyUsage
from app.core.keys_service import Keys
from app.core.metrics.alert_metrics import AlertMetrics
from app.core.metrics.event_metrics import AdmissionMetrics
from app.core.metrics.exposition import Exposition
from app.core.metrics.limit_metrics import LimitMetrics
from app.core.metrics.pool_metrics import OBSERVE_EVERY_S, PoolMetrics
from app.core.metrics.queue_collector import QueueCollector
from app.core.metrics.request_metrics import RequestMetrics
from app.core.mirror import AccountMirror
from app.core.pools import PROBE_CONNECTIONS, SLO_CONNECTIONS, TELEMETRY_CONNECTIONS
from app.core.queue.stats import read_stats
from app.core.repeating import Repeating
from app.core.schema_store import head_revision
from app.core.shard_directory import ShardDirectory
from app.core.telemetry.telemetry import telemetry
from app.core.tiers_service import Tiers
from app.core.valkey import Valkey
from app.factory import create_app
from app.limits import Core, client_addresses, compose_doorstep, compose_limits, compose_readers
from app.named_routes import LOOK_EVERY_S, NamedRoutes
from app.report_composition import report_archive, report_routes, report_subscriptions
from app.slo_composition import compose_slos, installation_of
from app.status_composition import status_routes
from app.summary_composition import compose_summaries
from app.task_queue import task_queue
from app.telemetry_composition import compose_intake
from app.web_composition import WebParts, web_pages
from dashboards.grafana import api as grafana_api
from ingestion import api as ingestion_api
from ingestion import dlq_api, summary_api, telemetry_api, usage_api
from ingestion.admission.answers import IdempotencyAnswers
from ingestion.batch_status import BatchStatuses
from ingestion.dead_letter_queue import DeadLetterQueue
from reporting import maintenance_api, slos_api
from reporting.annotations import annotations_api
from reporting.annotations.annotations_service import Annotations

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from flask import Flask
    from prometheus_client import CollectorRegistry

    from app.core.http.body import BodyReaders
    from app.core.settings import Settings
    from app.core.telemetry.telemetry import Telemetry

_FLUSH_USAGE_S = 10.0


@dataclass(frozen=True, slots=True)
class Counting:
    """Where this process's metrics are counted; `directory` is shared with its siblings when there are several."""

    registry: CollectorRegistry
    directory: Path | None


class Api:
    """The application of one API process, and what runs beside its requests."""

    def __init__(
        self,
        app: Flask,
        *,
        pools: ConnectionPools,
        measures: Telemetry,
        readers: BodyReaders,
        beside: Sequence[Repeating],
    ) -> None:
        self.app = app
        self._beside = beside
        self._readers = readers
        self._pools = pools
        self._telemetry = measures

    def start(self) -> None:
        """Begin what runs beside the requests. Call it in the process itself, after any fork."""
        self._readers.watch()
        self._telemetry.flusher.start()
        for repeating in self._beside:
            repeating.start()

    def close(self) -> None:
        """Write what is still to be written, and let go of the connections."""
        for repeating in self._beside:
            repeating.stop()
        for repeating in self._beside:
            repeating.join()
        self._telemetry.flusher.close()
        self._pools.close()


def compose_api(settings: Settings, counting: Counting, *, now: datetime) -> Api:
    """Build the API of one process from its settings. Nothing is contacted before the first request."""
    pools = ConnectionPools(settings)
    database = pools.open("api", size=settings.api_pool_size)
    valkey = Valkey(settings.redis_url, timeout_s=settings.valkey_timeout_ms / 1_000, together=True)
    mirror = AccountMirror(database, valkey)
    shards = ShardDirectory(valkey)
    usage = KeyUsage(database)
    admission_metrics = AdmissionMetrics(counting.registry)
    measures = telemetry(
        pools.open("telemetry", size=TELEMETRY_CONNECTIONS),
        directory=None if settings.run_directory is None else Path(settings.run_directory),
        now=now,
        listener=RequestMetrics(counting.registry),
    )
    limit_metrics = LimitMetrics(counting.registry)
    guard = Guard(
        Authenticator(valkey=valkey, mirror=mirror, shards=shards, usage=usage, admin_token=settings.admin_token),
        compose_doorstep(settings, limit_metrics),
        ChangeRecord(Audit(database), client_addresses(settings)),
    )
    core = Core(
        database=database,
        valkey=valkey,
        mirror=mirror,
        shards=shards,
        usage=usage,
        answers=IdempotencyAnswers(database, on_skipped=admission_metrics.lookup_skipped),
    )
    limits = compose_limits(settings, core, limit_metrics)
    summaries, beside = compose_summaries(settings, pools)
    beside += [limits.upkeep, evaluator_watch(settings, valkey, AlertMetrics(counting.registry))]
    beside.append(Repeating("key usage", usage.flush, interval_s=_FLUSH_USAGE_S, once_more=True))
    exposition = Exposition(
        counting.registry,
        directory=counting.directory,
        collectors=[QueueCollector(lambda: read_stats(valkey))],
    )
    readiness = Readiness(
        dependency_checks(
            pools.open("probes", size=PROBE_CONNECTIONS), valkey, revision=head_revision(), needs_postgresql=False
        ),
        deadline_s=settings.valkey_timeout_ms / 1_000,
    )
    readers = compose_readers(settings)
    slos = compose_slos(pools.open("slos", size=SLO_CONNECTIONS), valkey, here=installation_of(settings))
    alerting = compose_alerts(settings, database)
    named_routes = NamedRoutes(slos.catalogue.in_force)
    beside.append(Repeating("named routes", named_routes.look, interval_s=LOOK_EVERY_S))
    tasks = task_queue(settings, database, valkey)
    web = WebParts(
        slos=slos,
        alerting=alerting,
        accounts=Accounts(database, mirror),
        erasures=Erasures(database, mirror, tasks.erase),
        keys=Keys(database, mirror),
        tiers=Tiers(database, mirror),
        limits=limits,
        letters=DeadLetterQueue(database, tasks.replay),
        reports=report_archive(settings, database, tasks.make_reports),
        subscriptions=report_subscriptions(settings, database),
    )
    app = create_app(
        [
            ingestion_api.blueprint(
                guard,
                limits.gate,
                BatchStatuses(valkey=valkey, database=database),
                retention=timedelta(days=settings.event_retention_days),
                metrics=admission_metrics,
            ),
            telemetry_api.blueprint(
                guard,
                compose_intake(pools, valkey, shards, named_routes),
                retention=timedelta(days=settings.event_retention_days),
            ),
            summary_api.blueprint(summaries, guard, limits.summaries, usage),
            usage_api.blueprint(limits.usages, limits.circuits, guard),
            dlq_api.blueprint(web.letters, guard),
            accounts_api.blueprint(web.accounts, guard),
            erasures_api.blueprint(web.erasures, guard),
            tiers_api.blueprint(web.tiers, guard),
            keys_api.blueprint(web.keys, guard),
            slos_api.blueprint(slos.slos, guard),
            maintenance_api.blueprint(slos.maintenance, guard),
            annotations_api.blueprint(Annotations(database), guard),
            *alert_routes(alerting, guard),
            *report_routes(settings, guard, web.reports, web.subscriptions),
            *web_pages(settings, database, valkey, web),
            grafana_api.blueprint(slos.catalogue.in_force, guard),
            *status_routes(settings, database, valkey, guard),
            operations.blueprint(guard, readiness, exposition, host=settings.host),
        ],
        readers=readers,
        base_url=settings.base_url,
        recorder=measures.recorder,
        deadline_s=settings.request_deadline_ms / 1_000,
    )
    pool_metrics = PoolMetrics(counting.registry, pools.bulkheads)
    beside.append(Repeating("pool metrics", pool_metrics.observe, interval_s=OBSERVE_EVERY_S))
    return Api(app, pools=pools, measures=measures, readers=readers, beside=beside)
