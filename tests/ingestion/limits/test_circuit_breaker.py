from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.limits.circuit_breaker import Thresholds

NOW = 1_763_800_000_000
THRESHOLDS = Thresholds(window_ms=60_000, minimum=4, share=50, open_ms=30_000, probe_ms=5_000, successes=2)


def opened(make_breaker: Any, at: int = NOW) -> Any:
    breaker = make_breaker(THRESHOLDS)
    for _ in range(4):
        breaker.record(at, good=False)
    assert breaker.state == "open"
    return breaker


def test_good_outcomes_keep_it_closed(make_breaker: Any) -> None:
    breaker = make_breaker(THRESHOLDS)

    assert {breaker.record(NOW + n, good=True) for n in range(20)} == {"closed"}
    assert breaker.hit(NOW + 20).allowed


def test_a_few_bad_outcomes_do_not_open_it_below_the_minimum(make_breaker: Any) -> None:
    breaker = make_breaker(THRESHOLDS)

    assert {breaker.record(NOW, good=False) for _ in range(3)} == {"closed"}


def test_it_opens_when_the_share_of_bad_outcomes_is_reached(make_breaker: Any) -> None:
    breaker = make_breaker(THRESHOLDS)
    for _ in range(3):
        breaker.record(NOW, good=True)
    assert breaker.record(NOW, good=False) == "closed"
    assert breaker.record(NOW, good=False) == "closed"

    assert breaker.record(NOW, good=False) == "open"


def test_while_open_nobody_passes_and_the_wait_is_what_is_left(make_breaker: Any) -> None:
    breaker = opened(make_breaker)

    verdict = breaker.hit(NOW + 10_000)

    assert (verdict.allowed, verdict.wait_ms) == (False, 20_000)


def test_after_the_wait_exactly_one_probe_passes(make_breaker: Any) -> None:
    breaker = opened(make_breaker)

    first, second = breaker.hit(NOW + 30_000), breaker.hit(NOW + 30_001)

    assert (first.allowed, first.token) == (True, NOW + 35_000)
    assert (second.allowed, second.wait_ms) == (False, 4_999)


def test_a_probe_that_never_reports_gives_way_to_another(make_breaker: Any) -> None:
    breaker = opened(make_breaker)
    breaker.hit(NOW + 30_000)

    assert breaker.hit(NOW + 35_000).token == NOW + 40_000


def test_a_probe_that_is_given_back_gives_way_to_another_at_once(make_breaker: Any) -> None:
    breaker = opened(make_breaker)
    first = breaker.hit(NOW + 30_000)

    breaker.release(first.token)

    assert breaker.hit(NOW + 30_001).token == NOW + 35_001


def test_only_the_probe_s_own_outcome_counts(make_breaker: Any) -> None:
    breaker = opened(make_breaker)
    late = breaker.hit(NOW + 30_000)
    probe = breaker.hit(NOW + 35_000)

    for token in (0, late.token, probe.token + 1):
        assert breaker.record(NOW + 35_100, good=False, token=token) == "half-open"
        assert breaker.record(NOW + 35_100, good=True, token=token) == "half-open"
        breaker.release(token)
        assert not breaker.hit(NOW + 35_200).allowed


def test_a_good_outcome_never_opens_it(make_breaker: Any) -> None:
    breaker = make_breaker(THRESHOLDS)
    for _ in range(3):
        breaker.record(NOW, good=False)

    assert breaker.record(NOW, good=True) == "closed"


def test_enough_good_probes_close_it(make_breaker: Any) -> None:
    breaker = opened(make_breaker)

    first = breaker.hit(NOW + 30_000)
    assert breaker.record(NOW + 30_100, good=True, token=first.token) == "half-open"
    second = breaker.hit(NOW + 30_200)
    assert breaker.record(NOW + 30_300, good=True, token=second.token) == "closed"
    assert breaker.hit(NOW + 30_400).allowed


def test_one_bad_probe_opens_it_again_for_the_whole_time(make_breaker: Any) -> None:
    breaker = opened(make_breaker)
    probe = breaker.hit(NOW + 30_000)

    assert breaker.record(NOW + 30_100, good=False, token=probe.token) == "open"
    assert breaker.hit(NOW + 60_099).wait_ms == 1


def test_bad_outcomes_older_than_the_window_are_forgotten(make_breaker: Any) -> None:
    breaker = make_breaker(THRESHOLDS)
    for _ in range(3):
        breaker.record(NOW, good=False)

    assert breaker.record(NOW + 60_000, good=False) == "closed"


def test_a_straggler_of_the_time_before_changes_nothing_while_it_is_open(make_breaker: Any) -> None:
    breaker = opened(make_breaker)

    assert breaker.record(NOW + 1, good=True) == "open"
    assert breaker.hit(NOW + 30_000).token


WHATS = ["hit", "good", "bad", "bad", "good probe", "bad probe", "release"]
STEPS = st.lists(st.tuples(st.integers(0, 20_000), st.sampled_from(WHATS)), min_size=1, max_size=60)


@given(steps=STEPS)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_script_and_rules_never_differ(both: Any, steps: list[tuple[int, str]]) -> None:
    rules, script = both("breaker", THRESHOLDS)
    now, token = NOW, 0
    for forward, what in steps:
        now += forward
        if what == "hit":
            verdict = script.hit(now)
            assert verdict == rules.hit(now)
            token = verdict.token or token
        elif what == "release":
            assert script.release(token) == rules.release(token)
        else:
            outcome = {"good": what.startswith("good"), "token": token if what.endswith("probe") else 0}
            assert script.record(now, **outcome) == rules.record(now, **outcome)
