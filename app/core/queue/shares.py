"""How many shards a worker may lease, so that every shard has a worker and no worker has too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def fair_share(shards: int, workers: Iterable[str], me: str) -> int:
    """Return the number of shards due to *me* among the living *workers*.

    The shares of all workers add up to *shards* exactly: the remainder goes to those first by name, so that
    five workers share sixteen shards as 4, 3, 3, 3, 3 and not as 4, 4, 4, 4, 0.
    """
    names = sorted({*workers, me})
    share, remainder = divmod(shards, len(names))
    return share + (names.index(me) < remainder)
