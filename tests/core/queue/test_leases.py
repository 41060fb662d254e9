from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from app.core.queue.keys import lease
from app.core.queue.leases import Leases
from app.core.queue.rota import Rota

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.valkey import Valkey

SHARDS = tuple(range(16))


class Worker:
    """A worker process as far as leases go."""

    def __init__(self, valkey: Valkey, name: str, ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rota = Rota()
        self.leases = Leases(valkey, self.rota, name, shards=SHARDS, ttl_s=ttl_s, clock=clock)

    @property
    def held(self) -> frozenset[int]:
        return self.rota.leased


@pytest.fixture
def hire(valkey: Valkey) -> Callable[..., Worker]:
    def make(name: str, ttl_s: float = 60.0) -> Worker:
        return Worker(valkey, name, ttl_s)

    return make


def settle_down(*workers: Worker, rounds: int = 4) -> None:
    for _ in range(rounds):
        for worker in workers:
            worker.leases.beat()


def test_a_worker_alone_leases_every_shard(hire: Callable[..., Worker], valkey: Valkey) -> None:
    alone = hire("alone")

    alone.leases.beat()

    assert alone.held == set(SHARDS)
    assert {valkey.execute("GET", lease(shard)) for shard in SHARDS} == {b"alone"}


@pytest.mark.parametrize("number", [2, 3, 5, 16, 20])
def test_workers_share_all_shards_fairly(hire: Callable[..., Worker], number: int) -> None:
    workers = [hire(f"worker-{i:02d}") for i in range(number)]

    settle_down(*workers)

    held = [shard for worker in workers for shard in worker.held]
    assert sorted(held) == list(SHARDS)
    assert max(len(worker.held) for worker in workers) - min(len(worker.held) for worker in workers) <= 1


def test_a_newcomer_gets_its_share_at_the_next_beats(hire: Callable[..., Worker]) -> None:
    old, new = hire("old"), hire("new")
    old.leases.beat()

    new.leases.beat()
    old.leases.beat()
    new.leases.beat()

    assert (len(old.held), len(new.held)) == (8, 8)
    assert not old.held & new.held


def test_a_shard_is_not_given_away_under_the_thread_that_works_on_it(hire: Callable[..., Worker]) -> None:
    old, new = hire("old"), hire("new")
    old.leases.beat()
    old.rota.found_work(SHARDS)
    busy = {old.rota.checkout() for _ in range(16)}
    assert busy == set(SHARDS)

    settle_down(new, old)
    assert new.held == set()

    for shard in busy:
        old.rota.checkin(shard, more=True)
    settle_down(new, old)
    assert (len(old.held), len(new.held)) == (8, 8)


def test_a_leaving_worker_gives_back_at_once_what_nobody_works_on(hire: Callable[..., Worker], valkey: Valkey) -> None:
    leaver = hire("leaver")
    leaver.leases.beat()
    leaver.rota.found_work([5])
    leaver.rota.checkout()

    leaver.leases.beat(leaving=True)
    assert leaver.held == {5}
    assert [shard for shard in SHARDS if valkey.execute("EXISTS", lease(shard))] == [5]

    leaver.rota.checkin(5, more=True)
    leaver.leases.resign()
    assert leaver.held == set()
    assert [shard for shard in SHARDS if valkey.execute("EXISTS", lease(shard))] == []


def test_a_resigned_worker_is_no_longer_counted(hire: Callable[..., Worker]) -> None:
    leaver, heir = hire("leaver"), hire("heir")
    settle_down(leaver, heir)

    leaver.leases.resign()
    heir.leases.beat()

    assert heir.held == set(SHARDS)


def test_a_dead_worker_s_shards_are_taken_over_when_its_leases_have_run_out(hire: Callable[..., Worker]) -> None:
    dead, heir = hire("dead", 0.3), hire("heir", 0.3)
    dead.leases.beat()
    assert len(dead.held) == 16

    deadline = time.monotonic() + 30
    while heir.held != set(SHARDS) and time.monotonic() < deadline:
        heir.leases.beat()

    assert heir.held == set(SHARDS)


def test_a_worker_that_overslept_finds_out_at_its_next_renewal(valkey: Valkey) -> None:
    now = 0.0
    sleeper = Worker(valkey, "sleeper", ttl_s=60.0, clock=lambda: now)
    sleeper.leases.beat()
    valkey.execute("SET", lease(3), "heir", "PX", 60_000)

    now = 61.0
    sleeper.leases.beat()

    assert 3 not in sleeper.held
    assert valkey.execute("GET", lease(3)) == b"heir"


def test_nobody_releases_another_s_lease(hire: Callable[..., Worker], valkey: Valkey) -> None:
    sleeper = hire("sleeper")
    sleeper.leases.beat()
    valkey.execute("SET", lease(3), "heir", "PX", 60_000)

    sleeper.leases.resign()

    assert valkey.execute("GET", lease(3)) == b"heir"
