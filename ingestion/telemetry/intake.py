"""Takes telemetry in: the answer comes when its counts are on disk, each once.

1. A repeated Idempotency-Key is answered as before. It consumes nothing, so nothing below can refuse it.
2. The account's rate allows all records, or none.
3. One transaction keeps the answer to the key, makes sure whose the service is, and adds the counts. If it does not take
   place, what the rate took is given back.

PostgreSQL away is a 503 before anything was taken, and never a 202: the sender keeps the batch, and its key makes the
repetition safe (ADR 16).
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import structlog

from app.core.errors import DependencyError
from app.core.problems import FieldError, Problem, ProblemType
from ingestion.admission import answers_store
from ingestion.admission.answers import KEPT
from ingestion.refusals import settle_conflicts
from ingestion.telemetry import receipts_store

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.database import Database
    from ingestion.telemetry.batch import TelemetryBatch
    from ingestion.telemetry.rate import TelemetryRate, TelemetryStanding
    from ingestion.telemetry.services import Services

_OPERATOR = ""
"""Whose the Idempotency-Keys of the operator are, who has no account."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """So many records are counted; `replayed` means by an earlier request. `standing` is None for the operator."""

    accepted: int
    replayed: bool
    standing: TelemetryStanding | None


class Intake:
    """Thread-safe; one a process. Methods raise `DependencyError`; after a timeout it is not known what took effect."""

    def __init__(self, database: Database, services: Services, rate: TelemetryRate) -> None:
        self._database = database
        self._services = services
        self._rate = rate

    def look(self, account_id: str | None, now: datetime) -> TelemetryStanding | None:
        """Return what is left to an account; None for the operator."""
        return None if account_id is None else self._rate.take(account_id, 0, now)

    def take(
        self, batch: TelemetryBatch, account_id: str | None, *, idempotency_key: str | None, now: datetime
    ) -> Receipt:
        """Add a batch of an account's (None: the operator's), whole or not at all.

        Raises `Problem`: 403 when the service is another's, 422 for a key that came with another body, 429.
        """
        key_digest = None if idempotency_key is None else _digest(idempotency_key)
        if key_digest is not None and (before := self._before(account_id, key_digest, batch, now)) is not None:
            return Receipt(before, True, self.look(account_id, now))
        standing = self._allow(account_id, batch, now)
        try:
            added = settle_conflicts(lambda: self._add(batch, account_id, key_digest, now))
        except BaseException:
            self._give_back(account_id, batch, now)
            raise
        if added:
            return Receipt(batch.records, False, standing)
        # A twin was faster by a moment, and its answer is this one's as well.
        self._give_back(account_id, batch, now)
        twin = None if key_digest is None else self._before(account_id, key_digest, batch, now)
        return Receipt(batch.records if twin is None else twin, True, standing)

    def _before(self, account_id: str | None, key_digest: bytes, batch: TelemetryBatch, now: datetime) -> int | None:
        with self._database.begin() as connection:
            answer = answers_store.find(connection, account_id or _OPERATOR, key_digest, since=now - KEPT)
        if answer is not None and answer.body_digest != batch.digest:
            detail = "This Idempotency-Key came with another body in the last 24 hours."
            errors = (FieldError("came with another body before", "Idempotency-Key"),)
            raise Problem(ProblemType.IDEMPOTENCY_MISMATCH, detail, errors)
        return None if answer is None else answer.accepted

    def _allow(self, account_id: str | None, batch: TelemetryBatch, now: datetime) -> TelemetryStanding | None:
        if account_id is None:
            return None
        standing = self._rate.take(account_id, batch.records, now)
        refusal = standing.refusal(batch.records)
        if refusal is not None:
            raise refusal
        return standing

    def _add(self, batch: TelemetryBatch, account_id: str | None, key_digest: bytes | None, now: datetime) -> bool:
        with self._database.begin() as connection:
            if key_digest is not None and not receipts_store.keep(
                connection,
                account_id or _OPERATOR,
                key_digest,
                body_digest=batch.digest,
                service=batch.service,
                records=batch.records,
                now=now,
                since=now - KEPT,
            ):
                return False
            self._services.claim(connection, batch.service, account_id, now)
            known = self._services.add(connection, batch.service, batch.observations)
        self._services.remember(batch.service, known)
        return True

    def _give_back(self, account_id: str | None, batch: TelemetryBatch, now: datetime) -> None:
        if account_id is None:
            return
        try:
            self._rate.take(account_id, -batch.records, now)
        except DependencyError as error:
            # It fills up again by itself within a minute or so.
            log.warning("telemetry_rate_not_given_back", account_id=account_id, detail=error.detail)


def _digest(idempotency_key: str) -> bytes:
    """Name a key apart from those of other routes."""
    return sha256(b"POST /telemetry " + idempotency_key.encode()).digest()
