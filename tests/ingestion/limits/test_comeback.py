from __future__ import annotations

from random import Random

from ingestion.limits import comeback, token_bucket
from ingestion.limits.comeback import LONGEST_MS, Refused
from ingestion.limits.token_bucket import RateLimit

STANDARD = RateLimit(per_minute=60_000, burst=10_000)
NOW = 1_763_800_000_000


def test_one_who_is_refused_alone_waits_for_his_own_batch_alone() -> None:
    _, within_ms = comeback.refuse(STANDARD, Refused(), cost=100, now_ms=NOW)

    assert within_ms == 100


def test_each_is_given_the_time_that_all_before_him_take() -> None:
    refused = Refused()
    for _ in range(50):
        refused, within_ms = comeback.refuse(STANDARD, refused, cost=100, now_ms=NOW)

    assert within_ms == 5_000


def test_those_who_could_have_come_back_are_forgotten() -> None:
    refused, _ = comeback.refuse(STANDARD, Refused(), cost=1_000, now_ms=NOW)

    _, within_ms = comeback.refuse(STANDARD, refused, cost=100, now_ms=NOW + 10_000)

    assert within_ms == 100


def test_nobody_is_sent_away_for_longer_than_a_minute() -> None:
    refused = Refused()
    for _ in range(10_000):
        refused, within_ms = comeback.refuse(STANDARD, refused, cost=1_000, now_ms=NOW)

    assert within_ms == LONGEST_MS


def refusals_of_a_crowd(*, spread: bool) -> int:
    """500 clients with a batch of 100 come at once and come back when they are told to; how often one is refused."""
    random = Random(1)
    bucket = token_bucket.full(STANDARD, NOW)
    refused, refusals = Refused(), 0
    coming = [(NOW, number) for number in range(500)]
    while coming:
        coming.sort()
        now_ms, client = coming.pop(0)
        bucket, verdict = token_bucket.hit(STANDARD, bucket, cost=100, now_ms=now_ms)
        if not verdict.allowed:
            refusals += 1
            refused, within_ms = comeback.refuse(STANDARD, refused, cost=100, now_ms=now_ms)
            wait_ms = verdict.wait_ms + random.uniform(0, within_ms if spread else 1_000)
            coming.append((now_ms + 1 + round(wait_ms), client))
    return refusals


def test_a_crowd_that_comes_back_when_told_is_hardly_refused_again() -> None:
    assert refusals_of_a_crowd(spread=False) > 5_000
    assert refusals_of_a_crowd(spread=True) < 1_000
