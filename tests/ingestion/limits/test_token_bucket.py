from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.limits.token_bucket import RateLimit

NOW = 1_763_800_000_000
FREE = RateLimit(per_minute=6_000, burst=2_000)


def test_a_new_account_has_its_whole_burst(make_bucket: Any) -> None:
    assert make_bucket(FREE).test(1, NOW).remaining == 2_000


def test_a_batch_costs_as_many_tokens_as_it_has_events(make_bucket: Any) -> None:
    bucket = make_bucket(FREE)

    assert bucket.hit(1_500, NOW).remaining == 500
    assert bucket.hit(500, NOW).remaining == 0


def test_a_refusal_takes_nothing_and_says_when_to_come_back(make_bucket: Any) -> None:
    bucket = make_bucket(FREE)
    bucket.hit(1_500, NOW)

    refusal = bucket.hit(600, NOW)

    assert (refusal.allowed, refusal.remaining, refusal.wait_ms) == (False, 500, 1_000)
    assert not bucket.hit(600, NOW + 999).allowed
    assert bucket.hit(600, NOW + 1_000).allowed


def test_it_refills_at_the_rate_and_never_above_the_burst(make_bucket: Any) -> None:
    bucket = make_bucket(FREE)
    bucket.hit(2_000, NOW)

    assert bucket.test(1, NOW + 60).remaining == 6
    assert bucket.test(1, NOW + 3_600_000).remaining == 2_000


def test_a_batch_above_the_burst_never_passes(make_bucket: Any) -> None:
    assert not make_bucket(FREE).hit(2_001, NOW).allowed


def test_a_clock_that_went_back_gives_nothing_away(make_bucket: Any) -> None:
    bucket = make_bucket(FREE)
    bucket.hit(2_000, NOW)

    assert bucket.test(1, NOW - 60_000).remaining == 0
    assert bucket.test(1, NOW + 10).remaining == 1


def test_a_slow_rate_does_not_lose_the_fractions(make_bucket: Any) -> None:
    bucket = make_bucket(RateLimit(per_minute=7, burst=1))
    bucket.hit(1, NOW)

    admitted = sum(bucket.hit(1, NOW + second * 1_000).allowed for second in range(1, 601))

    assert admitted == 66  # 7 a minute, one after each 8,571.4 ms, which is every 9th whole second


LIMITS = st.builds(RateLimit, per_minute=st.integers(1, 600_000), burst=st.integers(1, 60_000))
STEPS = st.lists(st.tuples(st.integers(-5_000, 120_000), st.integers(1, 3_000), st.booleans()), max_size=40)


@given(limit=LIMITS, steps=STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_script_and_rules_never_differ(both: Any, limit: RateLimit, steps: list[tuple[int, int, bool]]) -> None:
    rules, script = both("bucket", limit)
    now = NOW
    for forward, cost, take in steps:
        now += forward
        if take:
            assert script.hit(cost, now) == rules.hit(cost, now)
        else:
            assert script.test(cost, now) == rules.test(cost, now)


@given(limit=LIMITS, steps=st.lists(st.tuples(st.integers(0, 30_000), st.integers(1, 3_000)), max_size=60))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_span_of_time_admits_more_than_the_burst_and_the_rate(
    make_bucket: Any, valkey_cleaner: Any, limit: RateLimit, steps: list[tuple[int, int]]
) -> None:
    valkey_cleaner()
    bucket = make_bucket(limit)
    now, admitted = NOW, 0
    for forward, cost in steps:
        now += forward
        admitted += cost if bucket.hit(cost, now).allowed else 0

        assert admitted * 60_000 <= limit.burst * 60_000 + (now - NOW) * limit.per_minute
