"""Puts the summaries together: the pools of small and large accounts, the replica if there is one, and the cache."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from app.core.pools import LOOKING_CONNECTIONS
from app.core.repeating import Repeating
from app.core.replica import LOOK_EVERY_S as REPLICA_LOOK_S
from app.core.replica import Replica
from app.core.valkey import Valkey
from ingestion.summary.account_sizes import LOOK_EVERY_S as SIZES_LOOK_S
from ingestion.summary.account_sizes import AccountSizes
from ingestion.summary.cache import SummaryCache
from ingestion.summary.service import Summaries
from ingestion.summary.sources import ReplicaFirst, Source, SourcesBySize
from ingestion.summary.summary_store import SummaryStore

if TYPE_CHECKING:
    from app.connection_pools import ConnectionPools
    from app.core.settings import Settings


def compose_summaries(settings: Settings, pools: ConnectionPools) -> tuple[Summaries, list[Repeating]]:
    """Return the summaries, and what has to run beside the requests for them."""
    looking = pools.open("looking", size=LOOKING_CONNECTIONS)
    large = SummaryStore(pools.open("large summaries", size=settings.large_summary_pool_size))
    replica = None
    if settings.database_replica_url is not None:
        url = settings.database_replica_url
        replica = Replica(
            pools.open("replica", size=settings.large_summary_pool_size, url=url),
            watched=pools.open("replica looking", size=LOOKING_CONNECTIONS, url=url),
            primary=looking,
            max_lag_s=settings.replica_max_lag_s,
        )
    sizes = AccountSizes(looking, threshold=settings.large_account_events)
    sources = SourcesBySize(
        sizes,
        small=Source(
            SummaryStore(pools.open("summaries", size=settings.summary_pool_size)),
            timedelta(seconds=settings.summary_fresh_s),
        ),
        large=Source(large, timedelta(seconds=settings.large_summary_fresh_s)),
        replica=None if replica is None else ReplicaFirst(replica, SummaryStore(replica.database), large),
    )
    longest_fresh_s = max(settings.summary_fresh_s, settings.large_summary_fresh_s)
    cache = SummaryCache(
        Valkey(settings.cache, timeout_s=settings.valkey_timeout_ms / 1_000),
        keep_s=longest_fresh_s + settings.summary_stale_s,
        beside_limits=settings.cache == settings.redis_url,
    )
    beside = [Repeating("account sizes", sizes.look, interval_s=SIZES_LOOK_S)]
    if replica is not None:
        beside.append(Repeating("replica", replica.look, interval_s=REPLICA_LOOK_S))
    return Summaries(sources, cache, stale_s=settings.summary_stale_s), beside
