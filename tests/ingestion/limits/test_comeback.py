from __future__ import annotations

import heapq
import math
from collections import Counter
from random import Random

import pytest

from ingestion.limits import token_bucket
from ingestion.limits.comeback import LONGEST_MS, Promised, Turn, give_turn
from ingestion.limits.token_bucket import RateLimit

PER_MS = 1.0
NOW = 1_763_800_000_000
CLIENTS, EVENTS, FIRST_WAVE_MS = 500, 10, 1_500
SHARED = RateLimit(per_minute=12_000, burst=1_000)
"""As `slipstream chaos retry-storm` has it: twenty clients a second."""


def turn(promised: Promised, *, cost: float = 100, alone_ms: float = 0, now_ms: float = NOW) -> tuple[Promised, Turn]:
    return give_turn(promised, cost=cost, per_ms=PER_MS, alone_ms=alone_ms, now_ms=now_ms)


def test_one_who_is_refused_alone_waits_for_his_own_batch_alone() -> None:
    _, given = turn(Promised(), cost=100, alone_ms=30)

    assert given == Turn(30, 30)


def test_each_comes_after_those_who_were_told_before_him() -> None:
    promised, _ = turn(Promised(), alone_ms=30)
    for _ in range(50):
        promised, given = turn(promised, alone_ms=30)

    assert given == Turn(5_030, 5_030)


def test_turns_that_are_over_are_forgotten() -> None:
    promised, _ = turn(Promised(), cost=1_000, alone_ms=1_000)

    assert turn(promised, alone_ms=30, now_ms=NOW + 400)[1] == Turn(700, 700)
    assert turn(promised, alone_ms=30, now_ms=NOW + 1_000)[1] == Turn(30, 30)


def test_nobody_comes_before_there_is_room_for_himself() -> None:
    promised, _ = turn(Promised(), alone_ms=30)

    assert turn(promised, alone_ms=5_000)[1] == Turn(5_000, 5_000)


def test_one_of_several_queues_leaves_room_for_the_turns_of_the_others() -> None:
    promised, _ = turn(Promised(), alone_ms=100)

    promised, given = give_turn(promised, cost=100, parts=4, per_ms=PER_MS, alone_ms=100, now_ms=NOW)

    assert given == Turn(200, 500)
    assert turn(promised)[1] == Turn(600, 600)


def test_those_for_whom_a_minute_has_no_turn_come_evenly_within_it() -> None:
    promised = Promised()
    for _ in range(601):
        promised, given = turn(promised, alone_ms=100)
    assert given == Turn(100, LONGEST_MS)

    assert turn(promised, alone_ms=100)[1] == Turn(100, LONGEST_MS)


def test_a_queue_may_be_shorter() -> None:
    promised = Promised()
    for _ in range(12):
        promised, given = give_turn(promised, cost=100, per_ms=PER_MS, alone_ms=500, now_ms=NOW, longest_ms=1_000)

    assert given == Turn(500, 1_000)


def test_one_who_must_wait_for_longer_on_his_own_account_does() -> None:
    assert turn(Promised(), alone_ms=2 * LONGEST_MS)[1] == Turn(2 * LONGEST_MS, 2 * LONGEST_MS)


def arrivals(*, seed: int, processes: int, overloaded: float) -> tuple[Counter[int], int]:
    """500 clients of one account come at once, and come back when they are told to, in whole seconds as `Retry-After` has them.

    A share of them is refused for overload at first, where they are told to come after 5 s at least. Returns who came back, by seconds
    after the first wave, and how often one was refused at most.
    """
    random = Random(seed)
    bucket, promised, seconds, most = token_bucket.full(SHARED, NOW), [Promised()] * processes, Counter[int](), 0
    coming = [(NOW + random.uniform(0, FIRST_WAVE_MS), client, 0) for client in range(CLIENTS)]
    heapq.heapify(coming)
    while coming:
        now_ms, client, refusals = heapq.heappop(coming)
        most = max(most, refusals)
        if refusals:
            seconds[int(now_ms - NOW - FIRST_WAVE_MS) // 1_000] += 1
        alone_ms = 5_000
        if refusals or random.random() >= overloaded:
            bucket, verdict = token_bucket.hit(SHARED, bucket, cost=EVENTS, now_ms=int(now_ms))
            if verdict.allowed:
                continue
            alone_ms = verdict.wait_ms
        process = random.randrange(processes)
        per_ms = SHARED.per_minute / 60_000
        promised[process], given = give_turn(
            promised[process], cost=EVENTS, parts=processes, per_ms=per_ms, alone_ms=alone_ms, now_ms=now_ms
        )
        wait_s = math.ceil(random.uniform(given.earliest_ms, given.latest_ms) / 1_000 + random.uniform(0, 1))
        heapq.heappush(coming, (now_ms + 1_000 * wait_s, client, refusals + 1))
    return seconds, most


@pytest.mark.parametrize("overloaded", [0.0, 0.4])
@pytest.mark.parametrize("processes", [1, 2, 4])
def test_a_crowd_comes_back_at_about_the_rate_of_its_account(processes: int, overloaded: float) -> None:
    ordinary = SHARED.per_minute / 60 / EVENTS
    for seed in range(5):
        seconds, refused_at_most = arrivals(seed=seed, processes=processes, overloaded=overloaded)

        assert max(seconds.values()) <= 1.7 * ordinary
        assert refused_at_most <= 3
        # No longer than it takes: 400 clients at 20 a second, and the 5 s of an overload.
        assert max(seconds) <= 20 + 5 + 10 * (overloaded > 0)
