"""Lets batches in: one script in Valkey decides and commits, and what it says becomes a receipt or a problem.

A request with an Idempotency-Key takes three steps: the script looks at the key and for the record of a batch that still
waits; PostgreSQL is asked for one that has been stored; then the script admits, looking for the record again. The store
moves a record within the transaction of its batch and leaves the one in Valkey for a while, so no repeat falls between.
A twin in flight is not refused with 409: admission is atomic, so the second of two gets the answer of the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from app.core.problems import FieldError, Problem, ProblemType
from app.domain.shards import SHARDS
from ingestion.admission.places import Places
from ingestion.events.compression import pack

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.key_usage import KeyUsage
    from app.core.keys import PresentedKey
    from app.core.mirror import AccountMirror
    from app.core.shard_directory import ShardDirectory
    from app.core.valkey import Valkey
    from ingestion.admission.answers import Answers
    from ingestion.events.model import DecodedBatch

MOST_TYPES = 1_000
"""Event types that an account may use in a UTC day (contract §2): every rollup has a row for each."""

_SCOPE = "events:write"
_OVERLOADED_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a 202 says, and the account's tier. `replayed` means that an earlier request was the one admitted."""

    batch_id: str
    accepted: int
    tier: str
    replayed: bool = False


@dataclass(slots=True)
class Refusal(Problem):
    """A batch of an account that we know, refused."""

    tier: str = ""


@dataclass(frozen=True, slots=True)
class _Repeat:
    """What makes a repeated request known: SHA-256, in hexadecimal, of its Idempotency-Key and of its body."""

    key_digest: str
    body_digest: str


_ONCE = _Repeat("", "")


class Admission:
    """Thread-safe; one a process."""

    def __init__(
        self,
        *,
        valkey: Valkey,
        mirror: AccountMirror,
        shards: ShardDirectory,
        usage: KeyUsage,
        answers: Answers,
        queue_max_bytes: int,
    ) -> None:
        self._script = valkey.script(files("ingestion.admission").joinpath("admit.lua").read_text("utf-8"))
        self._mirror = mirror
        self._shards = shards
        self._usage = usage
        self._answers = answers
        self._places = Places()
        self._most_waiting = queue_max_bytes // SHARDS

    def admit(self, key: PresentedKey, batch: DecodedBatch, *, idempotency_key: str | None, now: datetime) -> Receipt:
        """Admit a batch, whole or not at all.

        Raises `Problem` (a `Refusal`, once it is known whose the batch is), and `DependencyError` when Valkey does not do its part: after a timeout it is
        not known whether the batch was admitted, and repeating is safe.
        """
        if idempotency_key is None:
            return self._run(key, batch, _ONCE, now)
        repeat = _Repeat(sha256(idempotency_key.encode()).hexdigest(), sha256(batch.body).hexdigest())
        receipt = self._run(key, batch, repeat, now, look_only=True)
        if receipt.replayed:
            return receipt
        answer = self._answers.find(key.account_id, repeat.key_digest, now)
        if answer is None:
            return self._run(key, batch, repeat, now)
        if answer.body_digest.hex() != repeat.body_digest:
            raise _mismatch(receipt.tier)
        return Receipt(answer.batch_id, answer.accepted, receipt.tier, replayed=True)

    def _run(
        self, key: PresentedKey, batch: DecodedBatch, repeat: _Repeat, now: datetime, *, look_only: bool = False
    ) -> Receipt:
        """Run the script; once more when the account was not mirrored where we thought it was."""
        codec, body = (b"", b"") if look_only else pack(batch.body)
        for first in (True, False):
            place = self._places.of(key.account_id, self._shards.shard_of(key.account_id, now), now)
            new_types = batch.types - place.types_seen
            reply = self._script(
                place.keys(repeat.key_digest),
                (
                    key.key_id,
                    key.digest_hex,
                    _SCOPE,
                    place.shard_digits,
                    key.account_id,
                    batch.count,
                    codec,
                    body,
                    self._most_waiting,
                    MOST_TYPES,
                    repeat.key_digest,
                    repeat.body_digest,
                    int(look_only),
                    *new_types,
                ),
            )
            if reply[0] != b"absent":
                if reply[0] == b"admitted" and new_types:
                    self._places.remember(place, new_types)
                if reply[0] != b"unauthorized":
                    self._usage.note(key.account_id, key.key_id, now)
                return _receipt(reply, batch.count, new_types)
            if first and self._mirror.restore(key.account_id):
                self._shards.refresh(now)
        raise _unauthorized()


def _receipt(reply: list[Any], events: int, new_types: frozenset[str]) -> Receipt:
    """Read what the script answered; raises `Problem` for a refusal."""
    status = reply[0]
    if status == b"unauthorized":
        raise _unauthorized()
    tier = reply[1].decode()
    if status == b"admitted":
        return Receipt(reply[2].decode(), events, tier)
    if status == b"new":
        return Receipt("", 0, tier)
    if status == b"replayed":
        return Receipt(reply[2].decode(), reply[3], tier, replayed=True)
    if status == b"types":
        raise _too_many_types(tier, reply[2], new_types)
    raise _refusal(status, tier)


def _refusal(status: bytes, tier: str) -> Refusal:
    if status == b"forbidden":
        return Refusal(ProblemType.FORBIDDEN, f"The key lacks the scope {_SCOPE}.", tier=tier)
    if status == b"mismatch":
        return _mismatch(tier)
    if status == b"overloaded":
        detail = "The queue of this account's shard is full."
        wait_s = _OVERLOADED_WAIT_S
        return Refusal(ProblemType.OVERLOADED, detail, retry_after=wait_s, limit="queue_bytes", tier=tier)
    raise LookupError(f"the admission script answered {status!r}")


def _too_many_types(tier: str, used: int, new_types: frozenset[str]) -> Refusal:
    detail = f"With this batch the account would have used {used} event types today; {MOST_TYPES} are allowed."
    errors = tuple(FieldError(f"{name} was not used today.", "type") for name in sorted(new_types))
    return Refusal(ProblemType.INVALID_EVENTS, detail, errors, limit="event_types_per_day", tier=tier)


def _unauthorized() -> Problem:
    return Problem(ProblemType.UNAUTHORIZED, "The key is not valid: it is unknown, expired or revoked.")


def _mismatch(tier: str) -> Refusal:
    detail = "This Idempotency-Key came with another body in the last 24 hours."
    return Refusal(ProblemType.IDEMPOTENCY_MISMATCH, detail, tier=tier)
