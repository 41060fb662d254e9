"""What is said while work waits."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import pytest

from app.core.queue.backoff import Backoff
from app.core.queue.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable


class AwayError(Exception):
    """Something comes and goes."""


def failing(times: int, error: Exception) -> Callable[[], str]:
    left = [error] * times

    def action() -> str:
        if left:
            raise left.pop()
        return "done"

    return action


@pytest.mark.parametrize(("error", "traceback"), [(AwayError("it is away"), False), (KeyError("a mistake"), True)])
def test_an_outage_is_one_line_and_only_what_nobody_expects_has_a_traceback(
    error: Exception, traceback: bool, caplog: pytest.LogCaptureFixture
) -> None:
    patience = Patience(threading.Event(), Backoff(base_s=0.0), expected=(AwayError,))

    with caplog.at_level(logging.WARNING):
        assert patience.repeat(failing(3, error), on=(Exception,)) == "done"

    (line,) = caplog.records
    assert str(error) in line.getMessage()
    assert bool(line.exc_info) is traceback
