"""Puts together what limits the accounts of one process: the gate, its circuits and quotas, and what is told of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from app.core.errors import DependencyUnavailableError
from app.core.http.addresses import ClientAddresses, networks
from app.core.http.body import BodyReaders
from app.core.http.doorstep import StrangersDoorstep
from app.core.repeating import Repeating
from app.core.strangers import Strangers
from app.core.valkey import CommandError
from ingestion.admission.admission import Admission, Rules
from ingestion.admission.circuits import Circuits
from ingestion.admission.gate import Gate
from ingestion.admission.overload import Overload
from ingestion.admission.quotas import Quotas
from ingestion.admission.scripts import Scripts
from ingestion.journal.journal import Journal, put_in_outbox
from ingestion.limits.circuit_breaker import Thresholds
from ingestion.summary.rate import SummaryRate
from ingestion.usage import Usages

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.http.doorstep import Doorstep
    from app.core.key_usage import KeyUsage
    from app.core.metrics.limit_metrics import LimitMetrics
    from app.core.mirror import AccountMirror
    from app.core.settings import Settings
    from app.core.shard_directory import ShardDirectory
    from app.core.valkey import Valkey
    from ingestion.admission.answers import IdempotencyAnswers

_THREADS_KEPT_FREE = 0.25
"""Share of an API process's threads that slow clients cannot take, so that everybody else is still served."""
_STRANGERS_SHARE = 0.75
"""Share of the others that clients can take whose key was not valid lately: who only opens connections stops no customer."""
_ADDRESS_SHARE = 0.25
"""The same for those of one address."""
_LOOK_EVERY_S = 1.0
_DELIVER_EVERY_S = 60.0
"""Notices are delivered when they are recorded; this is for those that could not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What there is already."""

    database: Database
    valkey: Valkey
    mirror: AccountMirror
    shards: ShardDirectory
    usage: KeyUsage
    answers: IdempotencyAnswers


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What edges need of it, and what runs beside them."""

    gate: Gate
    circuits: Circuits
    usages: Usages
    summaries: SummaryRate
    upkeep: Repeating


def compose_limits(settings: Settings, core: Core, metrics: LimitMetrics) -> Limits:
    """Build the limits of one API process. Nothing is contacted before the first request."""
    scripts = Scripts(core.valkey)
    thresholds = thresholds_of(settings)
    quotas = Quotas(core.database, core.valkey, scripts)
    overload = Overload(
        core.valkey,
        scripts,
        queue_max_bytes=settings.queue_max_bytes,
        queue_max_age_s=settings.queue_max_age_s,
        metrics=metrics,
    )
    circuits = Circuits(scripts, core.shards, thresholds=thresholds)
    admission = Admission(
        scripts,
        Rules(
            thresholds=thresholds,
            queue_max_bytes=settings.queue_max_bytes,
            bundle_events=settings.bundle_max_events,
        ),
        mirror=core.mirror,
        shards=core.shards,
        usage=core.usage,
        answers=core.answers,
        quotas=quotas,
    )
    usages = Usages(
        scripts,
        database=core.database,
        mirror=core.mirror,
        shards=core.shards,
        quotas=quotas,
        thresholds=thresholds,
        bundle_events=settings.bundle_max_events,
    )
    journal = Journal(core.database, core.valkey, metrics=metrics, deliver=put_in_outbox)
    return Limits(
        gate=Gate(admission, circuits, overload, processes=settings.processes),
        circuits=circuits,
        usages=usages,
        summaries=SummaryRate(scripts, core.shards),
        upkeep=Repeating("limits", partial(_keep_up, Upkeep(overload, journal)), interval_s=_LOOK_EVERY_S),
    )


def client_addresses(settings: Settings) -> ClientAddresses:
    """Return who tells clients apart."""
    return ClientAddresses(networks(settings.trusted_proxies or ""))


def compose_readers(settings: Settings) -> BodyReaders:
    """Build what holds the limits of bodies that are on their way."""
    most = max(1, int(settings.api_threads * (1 - _THREADS_KEPT_FREE)))
    return BodyReaders(
        deadline_s=settings.body_timeout_s,
        most=most,
        most_strangers=max(1, int(most * _STRANGERS_SHARE)),
        most_per_address=max(1, int(most * _ADDRESS_SHARE)),
        addresses=client_addresses(settings),
    )


def compose_doorstep(settings: Settings, metrics: LimitMetrics) -> Doorstep:
    """Build what stands before authentication."""
    strangers = Strangers(
        per_second=settings.strangers_per_second,
        per_address_per_second=settings.strangers_per_address,
        metrics=metrics,
    )
    return StrangersDoorstep(strangers, client_addresses(settings))


def thresholds_of(settings: Settings) -> Thresholds:
    """Return when circuits open and close."""
    return Thresholds(
        window_ms=settings.circuit_window_s * 1_000,
        minimum=settings.circuit_minimum,
        share=settings.circuit_bad_percent,
        open_ms=settings.circuit_open_s * 1_000,
        probe_ms=settings.circuit_probe_s * 1_000,
        successes=settings.circuit_successes,
    )


class Upkeep:
    """Looks at the load, and carries on what was journalled since. Call it each second, with monotonic seconds."""

    def __init__(self, overload: Overload, journal: Journal) -> None:
        self._overload = overload
        self._journal = journal
        self._delivered_at_s: float | None = None

    def __call__(self, now_s: float) -> None:
        try:
            recorded = self._journal.record(self._overload.look(now_s))
        except CommandError as error:
            # Valkey was restarted between two commands, and does not know the script any more.
            raise DependencyUnavailableError("valkey", str(error)) from error
        if recorded or self._delivered_at_s is None or now_s - self._delivered_at_s >= _DELIVER_EVERY_S:
            self._journal.deliver(datetime.now(UTC))
            self._delivered_at_s = now_s


def _keep_up(upkeep: Upkeep) -> None:
    upkeep(time.monotonic())
