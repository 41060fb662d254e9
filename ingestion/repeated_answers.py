"""Answers to Idempotency-Keys on their way from Valkey to PostgreSQL.

Admission writes a record with the batch. When the batch is stored, PostgreSQL has the answer, and Valkey may forget it:
not at once, because a request may look there first and in PostgreSQL next, before it is committed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.core.errors import DependencyError
from app.core.keyspace import idempotency
from ingestion.batches import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.core.queue.entry import Entry
    from app.core.valkey import Valkey

_LINGER_MS = 60_000
_DIGEST = re.compile("[0-9a-f]{64}")


class RepeatedAnswers:
    """Reads and ends the records of batches that are being stored."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    def of(self, entries: Sequence[Entry]) -> Mapping[str, Answer]:
        """Return the answers that belong to entries, by batch id. Raises `DependencyError` when Valkey is away."""
        keyed = [(entry, entry.idempotency_key) for entry in entries if entry.idempotency_key]
        if not keyed:
            return {}
        records = self._valkey.pipeline(
            [("HMGET", idempotency(entry.shard, entry.owner, key), "batch", "body") for entry, key in keyed]
        )
        answers = {}
        for (entry, key), (batch_id, body) in zip(keyed, records, strict=True):
            # A key that has been used anew belongs to a later batch; what is no digest was not written by admission.
            if (
                batch_id == entry.batch_id.encode()
                and _DIGEST.fullmatch(key)
                and _DIGEST.fullmatch((body or b"").decode())
            ):
                answers[entry.batch_id] = Answer(bytes.fromhex(key), bytes.fromhex(body.decode()))
        return answers

    def end(self, entries: Sequence[Entry], answers: Mapping[str, Answer]) -> None:
        """Let records end soon whose answers are in PostgreSQL. If that fails they end after their 24 hours."""
        ending = [entry for entry in entries if entry.batch_id in answers]
        if not ending:
            return
        try:
            self._valkey.pipeline(
                [
                    ("PEXPIRE", idempotency(entry.shard, entry.owner, entry.idempotency_key or ""), _LINGER_MS)
                    for entry in ending
                ]
            )
        except DependencyError:
            return
