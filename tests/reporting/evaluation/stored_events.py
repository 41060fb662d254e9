"""Batches as the queue delivers them, for tests that store events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from app.core.queue.entry import Entry
from app.core.queue.lanes import Lane
from ingestion.reading import read_entry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ingestion.batches import Batch

Event = dict[str, Any]


def batch(events: Sequence[Event], *, account_id: str, number: int, received: datetime, shard: int = 3) -> Batch:
    """Return a batch that was accepted at a time; `number` tells it from others of that millisecond."""
    body = json.dumps({"events": events}).encode()
    entry = Entry(
        shard=shard,
        lane=Lane.NORMAL,
        id=f"{round(received.timestamp() * 1000)}-{number}",
        task="store",
        owner=account_id,
        events=len(events),
        codec="r",
        body=body,
    )
    return read_entry(entry, None)
