from __future__ import annotations

import threading

import pytest

from app.core.beside import run_beside


def test_what_is_done_in_time_is_returned() -> None:
    assert run_beside(lambda: 42, timeout_s=10, discard=print) == 42


def test_what_goes_wrong_in_time_is_raised() -> None:
    def fail() -> None:
        raise LookupError("no such name")

    with pytest.raises(LookupError, match="no such name"):
        run_beside(fail, timeout_s=10, discard=print)


def test_what_comes_too_late_is_given_back() -> None:
    go_on, given_back = threading.Event(), threading.Event()

    def slow() -> threading.Event:
        go_on.wait(30)
        return given_back

    with pytest.raises(TimeoutError):
        run_beside(slow, timeout_s=0.01, discard=threading.Event.set)

    assert not given_back.is_set()
    go_on.set()
    assert given_back.wait(30)


def test_an_error_that_comes_too_late_is_nobodys() -> None:
    go_on, ended = threading.Event(), threading.Event()

    def slow() -> None:
        go_on.wait(30)
        try:
            raise LookupError
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        run_beside(slow, timeout_s=0.01, discard=print)

    go_on.set()
    assert ended.wait(30)


def test_a_timeout_of_the_action_itself_is_raised_as_such() -> None:
    def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        run_beside(fail, timeout_s=10, discard=print)
