"""How a service is, in one word."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dashboards.status.state import State, judged, now_judged, worst
from reporting.slo.counts import Counts
from tests.dashboards.status.pages import page, service

TARGET = Decimal("0.999")


@pytest.mark.parametrize(
    ("bad", "total", "state"),
    [
        (0, 0, State.NO_DATA),
        (0, 5, State.OPERATIONAL),
        (1, 1_000, State.OPERATIONAL),
        (2, 1_000, State.DEGRADED),
        (50, 1_000, State.DEGRADED),
        (51, 1_000, State.OUTAGE),
        (3, 3, State.DEGRADED),  # Three requests are no evidence of an outage.
        (20, 20, State.OUTAGE),
    ],
)
def test_a_share_is_judged_by_what_is_promised(bad: int, total: int, state: State) -> None:
    assert judged(Counts(total - bad, total), TARGET) is state


@pytest.mark.parametrize(
    ("target", "bad", "state"),
    [
        ("0.99", 90, State.DEGRADED),
        ("0.99", 110, State.OUTAGE),
        ("0.9", 400, State.DEGRADED),
        ("0.9", 600, State.OUTAGE),
    ],
)
def test_an_outage_is_ten_times_what_is_allowed_and_at_most_a_half(target: str, bad: int, state: State) -> None:
    assert judged(Counts(1_000 - bad, 1_000), Decimal(target)) is state


def test_now_is_bad_when_the_last_minutes_and_more_of_them_are() -> None:
    good, bad, none = Counts(1_000, 1_000), Counts(500, 1_000), Counts(0, 0)

    assert now_judged(bad, bad, TARGET) is State.OUTAGE
    assert now_judged(good, bad, TARGET) is State.OPERATIONAL  # It is over.
    assert now_judged(bad, good, TARGET) is State.OPERATIONAL  # A moment.
    assert now_judged(none, bad, TARGET) is State.OUTAGE
    assert now_judged(none, none, TARGET) is State.NO_DATA


def test_no_data_is_never_good_news() -> None:
    assert worst([]) is State.NO_DATA
    assert worst([State.OPERATIONAL, State.NO_DATA]) is State.NO_DATA
    assert worst([State.OUTAGE, State.NO_DATA, State.MAINTENANCE]) is State.OUTAGE


@pytest.mark.parametrize(
    ("states", "headline"),
    [
        ("ooo", "Everything works"),
        ("o", "one works"),
        ("oxo", "Outage of two"),
        ("xx", "Outage of all services"),
        ("ddo", "one and two are degraded"),
        ("do", "one is degraded"),
        ("dd", "All services are degraded"),
        ("mo", "Maintenance of one"),
        ("no", "No data of one"),
        ("", "No data"),
    ],
)
def test_the_headline_says_the_worst_of_whom(states: str, headline: str) -> None:
    words = {
        "o": State.OPERATIONAL,
        "x": State.OUTAGE,
        "d": State.DEGRADED,
        "m": State.MAINTENANCE,
        "n": State.NO_DATA,
    }
    services = [service(name, words[letter]) for name, letter in zip(("one", "two", "three"), states, strict=False)]

    assert page(*services).headline == headline
