"""In which order a round strikes."""

from __future__ import annotations

from app.cli.chaos.catalogue import FAULTS
from app.cli.chaos.rounds import order_of


def test_a_round_strikes_every_fault_once_in_an_order_that_its_seed_repeats() -> None:
    order = order_of(tuple(FAULTS), "7 1")

    assert sorted(order) == sorted(FAULTS)
    assert order == order_of(tuple(FAULTS), "7 1")
    assert order != order_of(tuple(FAULTS), "7 2")


def test_what_ends_processes_comes_first_and_what_needs_a_platform_of_its_own_last() -> None:
    order = [FAULTS[name] for name in order_of(tuple(FAULTS), "7 1")]

    assert [entry.kills for entry in order if not entry.small_disk] == sorted(
        (entry.kills for entry in order if not entry.small_disk), reverse=True
    )
    assert [entry.small_disk for entry in order] == sorted(entry.small_disk for entry in order)
