"""The accounts of `chaos noisy-neighbour`: fourteen small ones, a whale in two tempers, and a client that sends garbage."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from app.cli.chaos.crowd.fairness import Allowance
from app.cli.chaos.crowd.traffic import Sender
from app.cli.chaos.load import Account

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from app.platform import Platform

WHALES_SHARD = 7
CLOSE = tuple(f"close-{number}" for number in range(5))
"""Small accounts on the whale's shard and lane."""
DISTANT = {f"far-{number}": ("free", "standard", "enterprise")[number % 3] for number in range(9)}
NEIGHBOURS = (*CLOSE, *DISTANT)
WHALE, BROKEN = "whale", "broken"

SMALL = Allowance(per_minute=6_000, burst=2_000)
TIMES_OVER = 50
"""What the whale sends when it minds no limit, in multiples of it."""
LARGE = Allowance(per_minute=600_000, burst=60_000)
UNLIMITED = Allowance(per_minute=10**9, burst=10**9)


class Protection(StrEnum):
    """What can be left out, so that its own check is seen to go red."""

    RATE_LIMIT = "rate-limit"
    FAIR_SHARE = "fair-share"
    CIRCUIT_BREAKER = "circuit-breaker"


NEVER_OPENS: Mapping[str, str] = {"SLIPSTREAM_CIRCUIT_MINIMUM": "100000"}


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The accounts of one run."""

    neighbours: tuple[Account, ...]
    whale: Account
    broken: Account


def settle(platform: Platform, allowance: Allowance, *, without: Collection[Protection] = ()) -> Neighbourhood:
    """Create everybody. What a whale is `without` is switched off by its own values, that no shipped tier has."""
    given = UNLIMITED if Protection.RATE_LIMIT in without else allowance
    overrides = {"events_per_minute": given.per_minute, "events_burst": given.burst}
    close = [create(platform, name, shard=WHALES_SHARD) for name in CLOSE]
    distant = [create(platform, name, tier=tier) for name, tier in DISTANT.items()]
    # An ordered account's batches may not pass each other, so nothing of it ever goes to the overflow.
    ordered = Protection.FAIR_SHARE in without
    whale = create(platform, WHALE, shard=WHALES_SHARD, overrides=overrides, ordered=ordered)
    return Neighbourhood((*close, *distant), whale, create(platform, BROKEN))


def create(platform: Platform, account_id: str, *, tier: str = "standard", **more: Any) -> Account:
    return Account(account_id, platform.create_account(account_id, tier=tier, **more))


def small_senders(neighbourhood: Neighbourhood) -> list[Sender]:
    """What the small ones send in every run: ten events, five times a second."""
    return [
        Sender(account_id=account.account_id, key=account.key, every_s=0.2, events=10)
        for account in neighbourhood.neighbours
    ]


def whale_over_its_limit(whale: Account) -> Sender:
    """Fifty times its limit, evenly."""
    events = 100
    every_s = events * 60 / (SMALL.per_minute * TIMES_OVER)
    return Sender(account_id=whale.account_id, key=whale.key, every_s=every_s, events=events, connections=4)


def whale_above_its_share(whale: Account) -> Sender:
    """Within its limit: thirty thousand events at once, then nothing for six seconds."""
    return Sender(account_id=whale.account_id, key=whale.key, every_s=6.0, at_once=30, events=1_000, connections=4)


def broken_sender(broken: Account) -> Sender:
    """Nothing but garbage, fifty times a second."""
    return Sender(account_id=broken.account_id, key=broken.key, every_s=0.02, connections=2, garbage=True)
