from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.core.login_throttle import (
    MOST_FROM_ADDRESS,
    MOST_OF_NAME,
    MOST_OF_NAME_FROM_ADDRESS,
    WINDOW_S,
    LoginThrottle,
)
from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from typing import Any

    from app.core.valkey import Valkey


@pytest.fixture
def throttle(valkey: Valkey) -> LoginThrottle:
    return LoginThrottle(valkey)


def refused(throttle: LoginThrottle, name: str, address: str | None) -> Problem | None:
    try:
        throttle.enter(name, address)
    except Problem as problem:
        return problem
    return None


def test_a_name_may_be_tried_a_few_times_from_an_address(throttle: LoginThrottle) -> None:
    for _ in range(MOST_OF_NAME_FROM_ADDRESS):
        assert refused(throttle, "mia", "192.0.2.7") is None

    problem = refused(throttle, "mia", "192.0.2.7")

    assert problem is not None
    assert problem.type is ProblemType.RATE_LIMIT_EXCEEDED
    assert 0 < (problem.retry_after or 0) <= WINDOW_S
    assert refused(throttle, "mia", "192.0.2.8") is None
    assert refused(throttle, "zoe", "192.0.2.7") is None


def test_an_address_may_not_try_one_name_after_another(throttle: LoginThrottle) -> None:
    tried = [refused(throttle, f"name-{number}", "192.0.2.7") for number in range(MOST_FROM_ADDRESS + 1)]

    assert tried[:-1] == [None] * MOST_FROM_ADDRESS
    assert tried[-1] is not None


def test_failed_returns_are_counted_by_address_and_together_where_none_is_known(throttle: LoginThrottle) -> None:
    for address, most in (("192.0.2.7", MOST_FROM_ADDRESS), (None, MOST_OF_NAME)):
        for _ in range(most):
            throttle.come_back(address)
        with pytest.raises(Problem):
            throttle.come_back(address)

    throttle.come_back("192.0.2.8")
    throttle.leave("192.0.2.7")


def test_departures_have_an_end(throttle: LoginThrottle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.login_throttle.MOST_DEPARTURES", 3)
    for _ in range(3):
        throttle.leave("192.0.2.7")

    with pytest.raises(Problem):
        throttle.leave("192.0.2.7")
    throttle.leave("192.0.2.8")
    throttle.come_back("192.0.2.7")


def test_any_number_of_people_sign_in_from_one_address(throttle: LoginThrottle, redis_client: Any) -> None:
    for number in range(MOST_FROM_ADDRESS + 1):
        assert refused(throttle, f"name-{number}", "192.0.2.7") is None
        throttle.succeeded(f"name-{number}", "192.0.2.7")
        throttle.leave("192.0.2.7")
        throttle.come_back("192.0.2.7")
        throttle.came_back("192.0.2.7")

    assert all(0 < redis_client.ttl(name) <= WINDOW_S for name in redis_client.scan_iter("{login}:*"))


def test_who_signs_in_takes_back_no_try_of_others(throttle: LoginThrottle, redis_client: Any) -> None:
    for number in range(MOST_FROM_ADDRESS - 1):
        assert refused(throttle, f"name-{number}", "192.0.2.7") is None
        throttle.come_back("192.0.2.7")
    assert refused(throttle, "mia", "192.0.2.7") is None
    throttle.come_back("192.0.2.7")
    throttle.succeeded("mia", "192.0.2.7")
    throttle.came_back("192.0.2.7")

    assert refused(throttle, "zoe", "192.0.2.7") is None
    assert refused(throttle, "ben", "192.0.2.7") is not None
    throttle.come_back("192.0.2.7")
    with pytest.raises(Problem):
        throttle.come_back("192.0.2.7")
    redis_client.flushall()
    throttle.succeeded("mia", "192.0.2.7")
    assert list(redis_client.scan_iter("{login}:*")) == []


def test_a_name_may_not_be_tried_from_one_address_after_another(throttle: LoginThrottle) -> None:
    tried = [refused(throttle, "mia", f"192.0.2.{number}") for number in range(MOST_OF_NAME + 1)]

    assert tried[:-1] == [None] * MOST_OF_NAME
    assert tried[-1] is not None


def test_an_address_that_is_not_known_is_nobody_s(throttle: LoginThrottle) -> None:
    tried = [refused(throttle, f"name-{number}", None) for number in range(MOST_FROM_ADDRESS + 1)]

    assert tried == [None] * len(tried)


def test_nobody_is_kept_out_by_refused_tries_from_one_address(throttle: LoginThrottle) -> None:
    tried = [refused(throttle, "mia", "192.0.2.7") for _ in range(MOST_OF_NAME + 1)]

    assert tried[-1] is not None
    assert refused(throttle, "mia", "192.0.2.8") is None
    assert refused(throttle, "zoe", "192.0.2.7") is None


def test_a_name_is_not_kept_out_by_a_few_tries_from_nowhere(throttle: LoginThrottle) -> None:
    tried = [refused(throttle, "mia", None) for _ in range(MOST_OF_NAME + 1)]

    assert tried[:-1] == [None] * MOST_OF_NAME
    assert tried[-1] is not None


def test_who_has_signed_in_starts_afresh(throttle: LoginThrottle) -> None:
    for _ in range(3):
        for _ in range(MOST_OF_NAME_FROM_ADDRESS):
            assert refused(throttle, "mia", "192.0.2.7") is None
        throttle.succeeded("mia", "192.0.2.7")


def test_tries_are_forgotten_and_name_nobody(throttle: LoginThrottle, redis_client: Any) -> None:
    throttle.enter("mia", "192.0.2.7")

    names = list(redis_client.scan_iter("{login}:*"))
    assert len(names) == 3
    assert not any(b"mia" in name or b"192" in name for name in names)
    assert all(0 < redis_client.ttl(name) <= WINDOW_S for name in names)
