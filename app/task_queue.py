"""The task queue with every task of the product registered: the worker runs them, the API and the command line put them in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from app.core.accepted_minutes import AcceptedMinutes
from app.core.accepted_tasks import register_accepted_tasks
from app.core.counting.backfill import Backfill
from app.core.counting.tasks import register_counting_tasks
from app.core.counting.thinning import RuleThinning
from app.core.database import Database
from app.core.errors import DependencyError
from app.core.failpoints import failpoint
from app.core.minute_folding import MinuteFolding
from app.core.mirror import AccountMirror
from app.core.mirror_tasks import register_mirror_tasks
from app.core.mirror_upkeep import MirrorUpkeep
from app.core.notify.channels import make_channels
from app.core.notify.delivery import Deliveries
from app.core.notify.notify_tasks import register_notify_tasks
from app.core.notify.routes import routes_of
from app.core.queue.sacrifice import Sacrifice
from app.core.queue.stream_huey import StreamHuey
from app.core.settings import load_settings
from app.core.telemetry.retention_tasks import register_retention_tasks
from app.core.telemetry.rollup_tasks import register_rollup_tasks
from app.core.telemetry.rollups import Rollups
from app.core.telemetry.telemetry_store import TelemetryStore
from app.core.telemetry.thinning import RequestThinning
from app.core.thinning_tasks import register_thinning_tasks
from app.core.valkey import Valkey
from app.erasure_composition import register_erasures
from app.report_composition import pages_of_reports, register_reports, report_enclosures
from app.slo_composition import compose_slos
from app.status_composition import directory_of, page_maker
from dashboards.status.status_tasks import register_status_tasks
from ingestion.housekeeping import Housekeeping
from ingestion.replay import Replayer
from ingestion.retention import Retention
from ingestion.tasks import register_tasks
from reporting.alerts.alert_tasks import register_alert_tasks
from reporting.alerts.alertmanager_refresh import AlertmanagerRefresh
from reporting.publication.publication import Rule
from reporting.publication.publications import Publications
from reporting.reports.archive_compiling import compile_by
from reporting.reports.rendering import renderings

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.settings import Settings
    from ingestion.dead_letter_queue import Enqueue


@dataclass(frozen=True, slots=True)
class TaskQueue:
    """Huey, and what puts a task into it."""

    huey: StreamHuey
    replay: Enqueue
    notify: Callable[[str], object]
    make_reports: Callable[[], object]
    erase: Callable[[], object]


def task_queue(settings: Settings, database: Database, valkey: Valkey) -> TaskQueue:
    """Put it together. Its Valkey must wait longer than half a second for an answer."""
    huey = StreamHuey(
        client=valkey,
        pause_on=(DependencyError,),
        sacrifice=Sacrifice(f"{__name__}:suspects"),
        failpoint=failpoint,
        reclaim_after_s=settings.reclaim_after_s,
    )
    mirror = AccountMirror(database, valkey)
    register_mirror_tasks(huey, MirrorUpkeep(database=database, valkey=valkey, mirror=mirror))
    register_rollup_tasks(huey, Rollups(database))
    failures_kept = timedelta(days=settings.failed_request_retention_days)
    register_retention_tasks(huey, TelemetryStore(database), failures_kept=failures_kept)
    kept = {
        "minutes_kept": timedelta(days=settings.minute_retention_days),
        "quarters_kept": timedelta(days=settings.quarter_retention_days),
    }
    register_thinning_tasks(
        huey,
        RequestThinning(database, **kept),
        RuleThinning(database, **kept, rules_kept=timedelta(days=settings.rule_retention_days)),
        MinuteFolding(database, **kept),
    )
    register_counting_tasks(huey, Backfill(database))
    register_accepted_tasks(huey, AcceptedMinutes(database, valkey))
    replayer = Replayer(database, statement_events=settings.bundle_max_events, clock=_now)
    routes, channels = routes_of(settings), make_channels(settings, report_enclosures(database))
    deliveries = Deliveries(database, routes, channels.send, clock=_now)
    if routes.alertmanager is not None:
        post = partial(channels.alertmanager.post, routes.alertmanager)
        register_alert_tasks(huey, AlertmanagerRefresh(database, post))
    register_status_tasks(
        huey,
        Publications(database),
        page_maker(settings, database, valkey),
        rule=Rule(settings.status_publish),
        directory=directory_of(settings),
    )
    render = partial(renderings, pages=pages_of_reports(settings))
    return TaskQueue(
        huey,
        replay=register_tasks(
            huey,
            replayer=replayer,
            housekeeping=Housekeeping(database, valkey),
            retention=Retention(database, kept=timedelta(days=settings.event_retention_days)),
        ),
        notify=register_notify_tasks(huey, deliveries, database),
        make_reports=register_reports(
            settings,
            huey,
            database,
            compile_report=compile_by(compose_slos(database, valkey).compiler),
            render=render,
        ),
        erase=register_erasures(settings, huey, database, valkey, mirror=mirror, render=render),
    )


def suspects() -> StreamHuey:
    """Make what runs a task, in a child of its own, with which worker after worker has died."""
    settings = load_settings(os.environ)
    return task_queue(settings, Database(settings.database_url, pool_size=2), Valkey(settings.redis_url)).huey


def _now() -> datetime:
    return datetime.now(UTC)
