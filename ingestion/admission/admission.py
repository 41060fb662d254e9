"""Lets batches in: one script in Valkey decides and commits, and what it says becomes a receipt or a problem.

A request with an Idempotency-Key takes three steps: the script looks at the key and for the record of a batch that still
waits; PostgreSQL is asked for one that has been stored; then the script admits, looking for the record again. The store
moves a record within the transaction of its batch and leaves the one in Valkey for a while, so no repeat falls between.
A twin in flight is not refused with 409: admission is atomic, so the second of two gets the answer of the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import structlog

from app.core.errors import DependencyError, DependencyUnavailableError
from ingestion.admission.places import Places
from ingestion.admission.verdict import (
    MOST_TYPES,
    SCOPE,
    Receipt,
    mismatch,
    read_verdict,
    receipt_of,
    unauthorized,
)
from ingestion.events.compression import pack

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.key_usage import KeyUsage
    from app.core.keys import PresentedKey
    from app.core.mirror import AccountMirror
    from app.core.shard_directory import ShardDirectory
    from ingestion.admission.answers import IdempotencyAnswers
    from ingestion.admission.places import Place
    from ingestion.admission.quotas import Quotas
    from ingestion.admission.scripts import Scripts
    from ingestion.admission.verdict import Verdict
    from ingestion.events.model import DecodedBatch
    from ingestion.limits.circuit_breaker import Thresholds

SHARD_ROOM = 4
"""One shard may fill a quarter of the queue: as much as four that are busy, and never all of it."""
_ATTEMPTS = 4
"""The script as it is; after the account's mirror was restored; after its quotas were; and once without them."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds for all accounts alike. `bundle_events` is what a worker takes at once, which fair shares are parts of."""

    thresholds: Thresholds
    queue_max_bytes: int
    bundle_events: int


@dataclass(frozen=True, slots=True)
class _Repeat:
    """What makes a repeated request known: SHA-256, in hexadecimal, of its Idempotency-Key and of its body."""

    key_digest: str
    body_digest: str


_ONCE = _Repeat("", "")


@dataclass(frozen=True, slots=True)
class Ticket:
    """What was settled before the body was looked at.

    `token` is that of the circuit's probe, when the request is it, else 0. `refused_lanes` are those in which it is refused
    for overload, joined by commas.
    """

    token: int = 0
    refused_lanes: str = ""


NO_TICKET = Ticket()


@dataclass(frozen=True, slots=True)
class _Request:
    key: PresentedKey
    batch: DecodedBatch
    now: datetime
    ticket: Ticket


class Admission:
    """Thread-safe; one a process."""

    def __init__(
        self,
        scripts: Scripts,
        rules: Rules,
        *,
        mirror: AccountMirror,
        shards: ShardDirectory,
        usage: KeyUsage,
        answers: IdempotencyAnswers,
        quotas: Quotas,
    ) -> None:
        self._script = scripts.make("admit")
        self._mirror = mirror
        self._shards = shards
        self._usage = usage
        self._answers = answers
        self._quotas = quotas
        self._places = Places()
        self._thresholds = rules.thresholds.as_tuple()
        self._limits = (rules.queue_max_bytes // SHARD_ROOM, rules.bundle_events, MOST_TYPES)

    def admit(
        self,
        key: PresentedKey,
        batch: DecodedBatch,
        *,
        idempotency_key: str | None,
        now: datetime,
        ticket: Ticket = NO_TICKET,
    ) -> Receipt:
        """Admit a batch, whole or not at all.

        Raises `Problem` (a `Refusal`, once it is known whose the batch is), and `DependencyError` when Valkey does not do its part: after a timeout it is
        not known whether the batch was admitted, and repeating is safe.
        """
        request = _Request(key, batch, now, ticket)
        if idempotency_key is None:
            return self._run(request, _ONCE)
        repeat = _Repeat(sha256(idempotency_key.encode()).hexdigest(), sha256(batch.body).hexdigest())
        receipt = self._run(request, repeat, look_only=True)
        if receipt.replayed:
            return receipt
        answer = self._answers.find(key.account_id, repeat.key_digest, now)
        if answer is None:
            return self._run(request, repeat)
        if answer.body_digest.hex() != repeat.body_digest:
            raise mismatch(receipt.standing)
        return Receipt(answer.batch_id, answer.accepted, receipt.standing, replayed=True)

    def _run(self, request: _Request, repeat: _Repeat, *, look_only: bool = False) -> Receipt:
        """Run the script; again when something was missing that can be restored."""
        key, now = request.key, request.now
        codec, body = (b"", b"") if look_only else pack(request.batch.body)
        without_quotas = 0
        for _ in range(_ATTEMPTS):
            place = self._places.of(key.account_id, self._shards.shard_of(key.account_id, now), now)
            new_types = request.batch.types - place.types_seen
            reply = self._script(
                place.keys(repeat.key_digest),
                (
                    key.key_id,
                    key.digest_hex,
                    SCOPE,
                    place.shard_digits,
                    key.account_id,
                    request.batch.count,
                    codec,
                    body,
                    repeat.key_digest,
                    repeat.body_digest,
                    int(look_only),
                    request.ticket.token,
                    *self._limits,
                    request.ticket.refused_lanes,
                    without_quotas,
                    *self._thresholds,
                    *new_types,
                ),
            )
            if reply[0] == b"absent":
                if not self._mirror.restore(key.account_id):
                    raise unauthorized()
                self._shards.refresh(now)
                continue
            if reply[0] == b"unauthorized":
                raise unauthorized()
            self._usage.note(key.account_id, key.key_id, now)
            verdict = read_verdict(reply)
            if verdict.status != "unknown":
                if verdict.status == "admitted" and new_types:
                    self._places.remember(place, new_types)
                return receipt_of(verdict, events=request.batch.count, new_types=new_types)
            without_quotas = int(not self._quotas_restored(place, verdict))
        raise DependencyUnavailableError("valkey", "what an account may do is not settled")

    def _quotas_restored(self, place: Place, verdict: Verdict) -> bool:
        """Restore what the account has used. Where no quota limits it, events come in also while that cannot be done."""
        try:
            self._quotas.restore(place.account_id, place.shard, verdict.standing.at)
        except DependencyError as error:
            if verdict.first:
                raise
            log.warning("quota_not_restored", account_id=place.account_id, detail=error.detail)
            return False
        return True
