"""How much of a shard's queue one account may fill before its further batches go behind everybody else's.

All accounts that have something in flight share one bundle, which is what a worker takes at once. So whoever comes next
waits for about one bundle, however much another account has sent before.
"""

from __future__ import annotations

FLOOR = 500
"""Events that every account may have in flight: below it, dividing a bundle further gains nobody anything."""


def is_above(in_flight: int, *, accounts: int, bundle: int) -> bool:
    """Tell whether an account with so many events in flight has had its share.

    `accounts` have events in flight in the shard, this one among them; `bundle` is the events that a worker takes at once.
    Alone in its shard an account may be above it too: what it sends goes behind nobody then, and nobody comes behind it.
    """
    return in_flight >= FLOOR and in_flight * max(accounts, 1) >= bundle
