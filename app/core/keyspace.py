"""The name of every key in Valkey.

All keys of an account, and the streams its events go to, carry the hash tag of the account's shard, so that one
script admits a batch on one node of a cluster. The queue's own keys are in `app.core.queue.keys`.
"""

from __future__ import annotations

from app.domain.shards import tag


def account_mirror(shard: int, account_id: str) -> str:
    """Hash: what admission must know of an account (tier, limits, lane); absent until somebody mirrors it."""
    return f"{tag(shard)}:account:{account_id}"


def key_mirror(shard: int, account_id: str) -> str:
    """Hash: key id → `digest scopes expiry` of every key that is not revoked."""
    return f"{tag(shard)}:keys:{account_id}"


def limits(shard: int, account_id: str) -> str:
    """Hash: what an account has used, in token buckets and of its quotas.

    Its field `month` is always there; without it what was used is unknown.
    """
    return f"{tag(shard)}:limits:{account_id}"


def circuit(shard: int, account_id: str) -> str:
    """Hash: the state of an account's circuit breaker, and the outcomes in its window; absent is closed."""
    return f"{tag(shard)}:circuit:{account_id}"


def journal(shard: int) -> str:
    """Stream: changes of circuits and thresholds of quotas reached, until they are in PostgreSQL."""
    return f"{tag(shard)}:journal"


def idempotency(shard: int, account_id: str, key_digest: str) -> str:
    """Hash: body digest, batch id and accepted count of a batch still in the queue."""
    return f"{tag(shard)}:idempotency:{account_id}:{key_digest}"


def event_types(shard: int, account_id: str, day: str) -> str:
    """Set: the event types an account has used on a UTC day (`2026-11-22`)."""
    return f"{tag(shard)}:types:{account_id}:{day}"


def accepted_minutes(shard: int) -> str:
    """Hash: unix minute of the 202 → events accepted, the total of the freshness SLI."""
    return f"{tag(shard)}:accepted"


def directory() -> str:
    """Hash: account id → shard, for the few accounts whose row names a shard other than their hash."""
    return "{accounts}:shards"


def summary(account_id: str, window: str) -> str:
    """String: one cached summary."""
    return f"summary:{account_id}:{window}"


def summary_refresh(account_id: str, window: str) -> str:
    """String: that somebody refreshes the cached summary, or has just failed to."""
    return f"summary:{account_id}:{window}:refresh"


def login_tries(kind: str, digest: str) -> str:
    """Integer with an expiry: tries to sign in of a name, from an address, or both."""
    return f"{{login}}:{kind}:{digest}"


EVALUATOR_LEASE = "{tasks}:alerts:lease"
"""String with an expiry: the worker that evaluates alerts."""
ALERTS_EVALUATED = "{tasks}:alerts:evaluated"
"""String: Valkey time (ms) at which alerts were last evaluated, or when somebody first asked."""
EVALUATOR_PAGED = "{tasks}:alerts:paged"
"""String: that somebody was told that alerts are not evaluated, and since when (ms)."""
EVALUATOR_PAGING = "{tasks}:alerts:paging"
"""String with an expiry: who is telling it, or that they are again."""
OUTBOX_TURN = "{tasks}:outbox:turn"
"""String: that somebody has just looked what waits in the outbox."""

ACCOUNT_MIRRORS = "{s??}:account:*"
"""The pattern of every `account_mirror`, for SCAN."""


def of_account_mirror(key: bytes) -> tuple[int, str]:
    """Return the shard and the account of an `account_mirror`'s name."""
    shard_tag, _, account_id = key.decode().split(":", 2)
    return int(shard_tag[2:4]), account_id
