"""Large accounts and small ones have connections of their own: neither waits for, or uses up, the other's."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from app.core.database import Database
from app.core.errors import OverloadedError
from ingestion.summary.account_sizes import AccountSizes
from ingestion.summary.cache import SummaryCache
from ingestion.summary.service import CacheState, Summaries
from ingestion.summary.sources import Source, SourcesBySize
from ingestion.summary.summary_store import SummaryStore
from ingestion.summary.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from app.core.valkey import Valkey
    from ingestion.summary.service import Answer
    from tests.conftest import World

    StoreEvents = Callable[[str, Iterable[tuple[str, datetime]]], None]


@pytest.fixture
def pools(database_url: str) -> Iterator[dict[str, Database]]:
    """A connection for small accounts, and one for large ones."""
    pools = {size: Database(database_url, pool_size=1, pool_timeout_s=0.05) for size in ("small", "large")}
    yield pools
    for pool in pools.values():
        pool.close()


@pytest.fixture
def summaries(
    database: Database,
    pools: dict[str, Database],
    valkey: Valkey,
    world: World,
    store_events: StoreEvents,
    now: datetime,
) -> Summaries:
    """`acme` is large, with three events; `bolt` is small, with one."""
    store_events("acme", [("a", now)] * 3)
    store_events("bolt", [("a", now)])
    sizes = AccountSizes(database, threshold=3)
    sizes.look()
    sources = SourcesBySize(
        sizes,
        small=Source(SummaryStore(pools["small"]), timedelta(seconds=5)),
        large=Source(SummaryStore(pools["large"]), timedelta(seconds=60)),
    )
    return Summaries(sources, SummaryCache(valkey, keep_s=600), stale_s=0)


def read(summaries: Summaries, account_id: str, now: datetime, window: Window = Window.HOUR) -> Answer:
    answer = summaries.read(account_id, window, now=now)
    assert answer is not None
    return answer


def total(answer: Answer) -> int:
    return int(msgspec.json.decode(answer.body)["total"])


def test_large_accounts_may_use_up_their_connections_and_small_ones_do_not_notice(
    summaries: Summaries, pools: dict[str, Database], now: datetime
) -> None:
    with pools["large"].begin():
        assert total(read(summaries, "bolt", now)) == 1
        with pytest.raises(OverloadedError):
            read(summaries, "acme", now)

    assert total(read(summaries, "acme", now, Window.DAY)) == 3


def test_small_accounts_may_use_up_their_connections_and_large_ones_do_not_notice(
    summaries: Summaries, pools: dict[str, Database], now: datetime
) -> None:
    with pools["small"].begin():
        assert total(read(summaries, "acme", now)) == 3
        with pytest.raises(OverloadedError):
            read(summaries, "bolt", now)


def test_a_large_account_is_cached_for_longer(summaries: Summaries, now: datetime) -> None:
    for account_id in ("acme", "bolt"):
        read(summaries, account_id, now)

    later = now + timedelta(seconds=30)

    assert read(summaries, "acme", later).cache is CacheState.HIT
    assert read(summaries, "bolt", later).cache is CacheState.MISS
