from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, cast

import pytest

from app.core import deadline
from app.core.errors import OverloadedError
from app.core.notify.errors import DeliveryError
from app.core.openid import OpenId
from app.core.problems import Problem, ProblemType


class Away:
    """An issuer that lets whoever asks wait until `over`, and then does not answer."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.begun, self.over = Event(), Event()

    def get(self, url: str, _headers: dict[str, str]) -> Any:
        self.asked.append(url)
        self.begun.set()
        self.over.wait(10)
        raise DeliveryError("does not answer")


def client_of(away: Away) -> OpenId:
    return OpenId(cast("Any", away), issuer="https://there.example", client_id="a", client_secret="b", callback="/")


def sign_in(openid: OpenId) -> Problem:
    with pytest.raises(Problem) as caught:
        openid.begin(state="s", nonce="n", verifier="v")
    return caught.value


def test_an_issuer_that_has_failed_is_left_alone_for_a_while() -> None:
    away = Away()
    away.over.set()
    openid = client_of(away)

    problems = [sign_in(openid), sign_in(openid)]

    assert {problem.type for problem in problems} == {ProblemType.DEPENDENCY_UNAVAILABLE}
    assert len(away.asked) == 1


def test_nobody_waits_past_his_deadline_for_whoever_asks_a_slow_issuer() -> None:
    away = Away()
    openid = client_of(away)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(sign_in, openid)
        try:
            assert away.begun.wait(10)
            with deadline.at_most(0.05), pytest.raises(OverloadedError):
                openid.begin(state="s", nonce="n", verifier="v")
        finally:
            away.over.set()
        assert first.result().type is ProblemType.DEPENDENCY_UNAVAILABLE
    assert len(away.asked) == 1
