"""A clock for scripts that tests turn, instead of waiting for the server's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from app.domain.shards import SHARDS

if TYPE_CHECKING:
    from app.core.valkey import Valkey

TURNABLE_CLOCK = """
local function clock()
  return tonumber(redis.call('GET', string.match(KEYS[1], '{.-}') .. ':clock'))
end
"""
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class Clock:
    """What scripts with `TURNABLE_CLOCK` take for the time."""

    valkey: Valkey
    now: datetime = NOON

    def __post_init__(self) -> None:
        self.set(self.now)

    @property
    def ms(self) -> int:
        return round(self.now.timestamp() * 1_000)

    def set(self, now: datetime) -> None:
        self.now = now
        # A script may read keys of its own shard only.
        self.valkey.pipeline([("SET", f"{{s{shard:02d}}}:clock", self.ms) for shard in range(SHARDS)])

    def forward(self, **delta: float) -> None:
        self.set(self.now + timedelta(**delta))
