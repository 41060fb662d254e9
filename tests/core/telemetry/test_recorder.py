"""The recorder: every request counted once, none disturbed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from app.core.telemetry.in_flight import InFlight
from app.core.telemetry.recorder import Recorder
from app.domain.histogram import bucket_of

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_740_000_000.0
MINUTE = int(NOW) // 60


class Time:
    """A clock and a timer that move by hand."""

    def __init__(self) -> None:
        self.seconds = NOW
        self.ns = 0

    def clock(self) -> float:
        return self.seconds

    def timer(self) -> int:
        return self.ns


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def recorder(time: Time) -> Recorder:
    return make_recorder(time)


def make_recorder(time: Time, *, max_routes: int = 500, failures_per_minute: int = 60) -> Recorder:
    return Recorder(
        InFlight(None, "writer", now_s=0),
        max_routes=max_routes,
        failures_per_minute=failures_per_minute,
        clock=time.clock,
        timer=time.timer,
    )


def test_a_request_is_counted_by_all_that_is_known_of_it(recorder: Recorder, time: Time) -> None:
    measure = recorder.begin("/accounts/{id}/summary", "GET")
    time.ns += 1_234_567_000
    recorder.finish(measure, status=503, reason="overloaded", account_id="acme", tier="free")

    bucket = bucket_of(1_234_567)
    observation = (MINUTE, "acme", "/accounts/{id}/summary", "GET", "free", 503, "overloaded", bucket)
    assert recorder.take().observations == {observation: 1}


def test_what_was_taken_is_not_given_again(recorder: Recorder) -> None:
    recorder.finish(recorder.begin("/events", "POST"), status=500)
    recorder.take()

    taken = recorder.take()

    assert taken.observations == {}
    assert taken.failures == []


def test_a_request_finished_twice_counts_once(recorder: Recorder) -> None:
    measure = recorder.begin("/events", "POST")
    recorder.finish(measure, status=202)
    recorder.finish(measure, status=500)

    assert [observation[5] for observation in recorder.take().observations] == [202]


def test_routes_beyond_the_limit_count_as_other(time: Time) -> None:
    recorder = make_recorder(time, max_routes=2)

    for route in ("/a", "/b", "/c", "/d", "/a"):
        recorder.finish(recorder.begin(route, "GET"), status=200)

    counted = {observation[2]: requests for observation, requests in recorder.take().observations.items()}
    assert counted == {"/a": 2, "/b": 1, "__other__": 2}


def test_a_method_that_nobody_knows_counts_as_other(recorder: Recorder) -> None:
    recorder.finish(recorder.begin("/events", "BREW"), status=405)

    assert [observation[3] for observation in recorder.take().observations] == ["__other__"]


def test_single_failures_are_kept_up_to_a_limit_each_minute(time: Time) -> None:
    recorder = make_recorder(time, failures_per_minute=2)

    for _ in range(5):
        recorder.finish(recorder.begin("/events", "POST"), status=503, reason="overloaded", request_id="r\x001\n")
    time.seconds += 60
    recorder.finish(recorder.begin("/events", "POST"), status=504)
    recorder.finish(recorder.begin("/events", "POST"), status=429)

    taken = recorder.take()
    assert [(failure.number, failure.status) for failure in taken.failures] == [(1, 503), (2, 503), (3, 504)]
    assert taken.failures[0].request_id == "r1"
    assert sum(taken.observations.values()) == 7


def test_a_fault_of_the_telemetry_never_reaches_the_request(time: Time) -> None:
    def broken() -> float:
        raise OSError("no clock")

    recorder = Recorder(InFlight(None, "writer", now_s=0), clock=broken, timer=time.timer)

    recorder.finish(recorder.begin("/events\ud800", "POST"), status=202)

    assert recorder.errors == 2


def test_nothing_is_lost_between_threads(recorder: Recorder) -> None:
    def requests(count: int) -> Callable[[], None]:
        def run() -> None:
            for number in range(count):
                recorder.finish(recorder.begin("/events", "POST"), status=200 + number % 3)

        return run

    threads = [threading.Thread(target=requests(500)) for _ in range(8)]
    taken = 0
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken += sum(recorder.take().observations.values())
    taken += sum(recorder.take().observations.values())

    assert taken == 4_000
