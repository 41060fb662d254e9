"""Waits until a platform has stored what it has accepted."""

from __future__ import annotations

import time

from app.cli.chaos.evidence_store import events_in_queue
from app.core.valkey import Valkey

DRAIN_WITHIN_S = 120.0
POLL_S = 0.1


def wait_empty(redis_url: str) -> bool:
    """Wait until nothing is in flight; whether it came to that."""
    valkey = Valkey(redis_url, timeout_s=5.0)
    deadline = time.monotonic() + DRAIN_WITHIN_S
    try:
        while events_in_queue(valkey):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True
    finally:
        valkey.forget()
