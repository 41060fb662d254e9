"""Tiers: named sets of limits, and what an account's limits are once its own overrides are applied.

The tiers as shipped are rows (migration 0001), not code: operators change them while everything runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, to_builtins

from app.domain.shards import Lane

if TYPE_CHECKING:
    from datetime import datetime

TIER_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
LARGEST_LIMIT = 10**12
"""Far below 2⁵³, above which the scripts in Valkey would count in steps."""

Limit = Annotated[int, Meta(ge=1, le=LARGEST_LIMIT)]
AccountLane = Literal["high", "normal", "low"]
"""The lanes an account can be put in; `overflow` is admission's choice, by the batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an account may do. Rates are a minute; bursts and quotas are events; a quota of None is no limit."""

    events_per_minute: int
    events_burst: int
    summaries_per_minute: int
    daily_quota: int | None
    monthly_quota: int | None
    lane: Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A named set of limits. `updated_at` moves forward with every change."""

    name: str
    limits: Limits
    updated_at: datetime


class Overrides(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one account that differ from its tier's: left out is the tier's, a quota of null is no limit."""

    events_per_minute: Limit | UnsetType = UNSET
    events_burst: Limit | UnsetType = UNSET
    summaries_per_minute: Limit | UnsetType = UNSET
    daily_quota: Limit | UnsetType | None = UNSET
    monthly_quota: Limit | UnsetType | None = UNSET
    lane: AccountLane | UnsetType = UNSET

    def applied_to(self, limits: Limits) -> Limits:
        """Return the limits that hold for the account."""
        return replace(limits, **_named(self))


def _named(overrides: Overrides) -> dict[str, Any]:
    named: dict[str, Any] = to_builtins(overrides)
    if "lane" in named:
        named["lane"] = Lane(named["lane"])
    return named
