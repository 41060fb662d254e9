from __future__ import annotations

import pytest

from app.core.queue.rota import Rota


@pytest.fixture
def rota() -> Rota:
    rota = Rota()
    for shard in (1, 2, 3):
        rota.grant(shard)
    return rota


def test_shards_with_work_are_handed_out_in_turn(rota: Rota) -> None:
    rota.found_work([1, 2])

    first = rota.checkout()
    rota.checkin(1, more=True)

    assert (first, rota.checkout(), rota.checkout(), rota.checkout()) == (1, 2, 1, None)


def test_a_shard_is_with_one_thread_at_a_time(rota: Rota) -> None:
    rota.found_work([1])
    assert rota.checkout() == 1

    rota.found_work([1])

    assert rota.checkout() is None


def test_a_shard_without_a_lease_is_never_handed_out(rota: Rota) -> None:
    rota.found_work([1, 9])
    rota.lost(1)

    assert rota.checkout() is None


def test_a_shard_with_nothing_left_waits_until_work_is_found(rota: Rota) -> None:
    rota.found_work([1])
    rota.checkout()

    rota.checkin(1, more=False)

    assert rota.checkout() is None
    assert rota.idle() == [1, 2, 3]


def test_a_retired_shard_departs_when_its_thread_is_done(rota: Rota) -> None:
    rota.found_work([1, 2])
    rota.checkout()

    rota.retire([1, 2])

    assert rota.leased == {1, 2, 3}
    assert rota.departed() == [2]
    rota.checkin(1, more=True)
    assert rota.departed() == [1]
    assert rota.checkout() is None
    assert rota.leased == {3}


def test_a_shard_lost_while_it_is_worked_on_is_not_taken_again(rota: Rota) -> None:
    rota.found_work([1])
    rota.checkout()

    rota.lost(1)
    rota.checkin(1, more=True)

    assert rota.checkout() is None


def test_renewing_the_lease_of_a_leaving_shard_does_not_keep_it(rota: Rota) -> None:
    rota.retire([1])

    rota.grant(1)

    assert rota.departed() == [1]


def test_a_shard_at_rest_is_left_alone_until_its_time_is_over() -> None:
    now = 100.0
    rota = Rota(clock=lambda: now)
    rota.grant(3)
    rota.found_work([3])
    assert rota.checkout() == 3
    rota.checkin(3, more=True, rest_s=0.1)

    assert rota.idle() == []
    assert rota.checkout() is None

    now = 100.1
    assert rota.idle() == [3]
