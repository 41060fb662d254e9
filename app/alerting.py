"""Puts together what alerts need: their evaluation in workers, and what people do with them in the API."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.clock import CLOCK
from app.core.notify.channels import make_channels
from app.core.notify.direct import tell_at_once
from app.core.notify.routes import routes_of
from app.core.repeating import Repeating
from reporting.alerts import ack_api, alerts_api, incidents_api, silences_api
from reporting.alerts.ack_links import AckLinks
from reporting.alerts.acknowledging import Acknowledging
from reporting.alerts.alerts_service import Alerts
from reporting.alerts.evaluation import SPACING_S, Evaluation
from reporting.alerts.evaluator import ASK_EVERY_S, EVALUATE_EVERY_S, Evaluator
from reporting.alerts.incidents_service import Incidents
from reporting.alerts.machine_turn import MachineTurn
from reporting.alerts.silences_service import Silences
from reporting.alerts.telling import Teller
from reporting.alerts.watch import LOOK_EVERY_S, EvaluatorWatch
from reporting.alerts.watch_message import compose
from reporting.slo.burn_rate_alert import AlertSeverity

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint

    from app.core.database import Database
    from app.core.http.guard import Guard
    from app.core.metrics.alert_metrics import AlertMetrics
    from app.core.settings import Settings
    from app.core.valkey import Valkey
    from reporting.alerts.reading import Read


_SHORTEST_S = 0.2
"""Between two questions, however fast the clock of a demonstration runs."""


@dataclass(frozen=True, slots=True)
class AlertParts:
    """What edges need of alerts."""

    alerts: Alerts
    silences: Silences
    incidents: Incidents
    acknowledging: Acknowledging


def compose_alerts(settings: Settings, database: Database) -> AlertParts:
    """Build what people do with alerts. Nothing is contacted before the first use."""
    links = AckLinks(settings.base_url)
    alerts = Alerts(database, _teller(settings, links))
    return AlertParts(alerts, Silences(database), Incidents(database), Acknowledging(database, links, alerts))


def alert_routes(parts: AlertParts, guard: Guard) -> list[Blueprint]:
    """Return what the API has to do with alerts."""
    return [
        alerts_api.blueprint(parts.alerts, guard),
        silences_api.blueprint(parts.silences, guard),
        incidents_api.blueprint(parts.incidents, guard),
        ack_api.blueprint(parts.acknowledging, guard),
    ]


def make_evaluator(
    settings: Settings,
    database: Database,
    valkey: Valkey,
    *,
    read: Read,
    worker: str,
    then: Callable[[], object],
) -> tuple[Evaluator, Repeating]:
    """Return the evaluator of a worker, and its thread; `read` says how SLOs stand, `then` hands on what is to be told."""
    teller = _teller(settings, AckLinks(settings.base_url))
    evaluation = Evaluation(database, read, teller, spacing_s=CLOCK.real_s(SPACING_S))
    every_s = CLOCK.real_s(EVALUATE_EVERY_S)
    evaluator = Evaluator(valkey, evaluation, worker=worker, then=then, every_s=every_s, clock=CLOCK.now)
    return evaluator, Repeating("alerts", evaluator.step, interval_s=max(_SHORTEST_S, CLOCK.real_s(ASK_EVERY_S)))


def evaluator_watch(settings: Settings, valkey: Valkey, metrics: AlertMetrics) -> Repeating:
    """Return what an API process does to know whether alerts are evaluated, and to page when they are not."""
    routes, send = routes_of(settings), make_channels(settings).send
    run_directory = settings.run_directory
    watch = EvaluatorWatch(
        valkey,
        lambda notification: tell_at_once(routes, send, notification, datetime.now(UTC)),
        compose,
        name=f"{socket.gethostname()}-{os.getpid()}",
        machine=None if run_directory is None else MachineTurn(Path(run_directory) / "valkey-away"),
        heard=lambda health: metrics.evaluated(health.age),
    )
    return Repeating("evaluator watch", watch.look, interval_s=LOOK_EVERY_S)


def _teller(settings: Settings, links: AckLinks) -> Teller:
    after = {
        AlertSeverity.PAGE: settings.remind_page_after_s,
        AlertSeverity.TICKET: settings.remind_ticket_after_s,
    }
    remind_after = {severity: timedelta(seconds=seconds) for severity, seconds in after.items() if seconds}
    return Teller(link=links.link, remind_after=remind_after)
