"""Where an account's work goes: sixteen shards, four lanes.

An account's shard decides its stream, its slot on a Valkey Cluster and the lease a worker needs, so all
that admission touches for one account carries one hash tag.
"""

from __future__ import annotations

import re
from enum import StrEnum
from zlib import crc32

SHARDS = 16

ACCOUNT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
"""What an account may be called: it stands in keys, addresses and file names without quoting."""


class Lane(StrEnum):
    """The lanes of a shard, in the order in which they are drained by 8:4:2:1."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"
    OVERFLOW = "overflow"


def shard_of(account_id: str, override: int | None = None) -> int:
    """Return the shard of an account: its row's own choice, or `crc32(account_id) % 16`."""
    return crc32(account_id.encode()) % SHARDS if override is None else override


def tag(shard: int) -> str:
    """Return the hash tag of a shard, `{s00}` to `{s15}`."""
    return f"{{s{shard:02d}}}"
