"""Clients that open connections and take their time, by the hundred: everybody else is served as before."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.hostile.platform import dribble, status_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence

    from tests.hostile.platform import Platform

BYTES = 3
PAUSE_S = 0.15
STRANGER = "slip.acme.abcdefghijkl." + "A" * 43
"""In form a key: it takes the platform a look at its own records to know that it is none."""
GROWTH_MB = 150
"""More than 1,200 connections and 256 threads need less than a copy of anything for each would."""


def head(address: str, *, key: str = STRANGER) -> bytes:
    lines = ["POST /events HTTP/1.1", "Host: x", "Content-Type: application/json", "Content-Length: 1000"]
    return "\r\n".join([*lines, f"Authorization: Bearer {key}", f"X-Forwarded-For: {address}", "", ""]).encode()


def opened(platform: Platform, beginnings: Sequence[bytes], stack: ExitStack) -> list[socket.socket]:
    """Open a connection for each, from as many addresses of this machine, and begin what is never ended."""
    connections = []
    for number, beginning in enumerate(beginnings):
        source = f"127.0.{1 + number // 250}.{1 + number % 250}"
        connections.append(stack.enter_context(platform.connect(source)))
        connections[-1].sendall(beginning)
    return connections


def dribbled(connections: Sequence[socket.socket]) -> Iterator[int]:
    """Send byte after byte on all of them."""
    for number in range(BYTES):
        time.sleep(PAUSE_S)
        dribble(connections)
        yield number


def assert_unharmed(platform: Platform) -> None:
    assert platform.send_event() == 202
    assert platform.mistakes() == []


def test_slow_headers_hold_up_nobody(platform: Platform) -> None:
    with platform.watched() as watch, ExitStack() as stack:
        slow = opened(platform, [b"GET /livez HTTP/1.1\r\nX-Slow: "] * 150, stack)
        served = [platform.send_event() for _ in dribbled(slow)]
        answers = {status_of(connection) for connection in slow}

    assert watch.was_alive(), watch
    assert served == [202] * BYTES
    assert answers <= {0, 408}
    assert watch.grown_mb < GROWTH_MB
    assert_unharmed(platform)


def test_a_hundred_and_fifty_dribbling_bodies_of_one_address_take_no_more_than_its_share(platform: Platform) -> None:
    with platform.watched() as watch, ExitStack() as stack:
        slow = opened(platform, [head("203.0.113.66")] * 150, stack)
        served = [
            (platform.send_event(), platform.send_event(platform.other_key, "203.0.113.2")) for _ in dribbled(slow)
        ]
        answers = [status_of(connection) for connection in slow]

    assert watch.was_alive(), watch
    assert served == [(202, 202)] * BYTES
    assert set(answers) <= {401, 408, 503}
    assert answers.count(503) >= 150 - 48  # A quarter of the 192 places is for strangers of one address.
    assert watch.grown_mb < GROWTH_MB
    assert_unharmed(platform)


def test_twelve_hundred_of_many_addresses_do_not_stop_those_who_have_a_key(platform: Platform) -> None:
    addresses = [f"198.51.{100 + number % 3}.{1 + number % 100}" for number in range(1_200)]

    with platform.watched() as watch, ExitStack() as stack:
        slow = opened(platform, [head(address) for address in addresses], stack)
        served = [platform.send_event() for _ in dribbled(slow)]
        answers = [status_of(connection) for connection in slow]

    assert watch.was_alive(), watch
    assert served == [202] * BYTES
    assert set(answers) <= {0, 401, 408, 429, 503}
    assert watch.grown_mb < GROWTH_MB
    assert_unharmed(platform)


def test_bodies_that_go_where_no_key_is_asked_for_have_the_same_places(platform: Platform) -> None:
    form = b"POST /ui/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nX-Forwarded-For: 203.0.113.67\r\n"

    with platform.watched() as watch, ExitStack() as stack:
        slow = opened(platform, [form + b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"] * 300, stack)
        served = [platform.send_event() for _ in dribbled(slow)]
        answers = {status_of(connection) for connection in slow}

    assert watch.was_alive(), watch
    assert served == [202] * BYTES
    assert answers <= {0, 400, 403, 408, 503}
    assert_unharmed(platform)


def test_a_thousand_idle_connections_hold_up_nobody_and_are_closed(platform: Platform) -> None:
    asked = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"

    with platform.watched() as watch, ExitStack() as stack:
        idle = opened(platform, [asked] * 1_000, stack)
        answers = {status_of(connection) for connection in idle}
        served = [platform.send_event() for _ in dribbled([])]
        ends = {status_of(connection) for connection in idle}

    assert watch.was_alive(), watch
    assert answers == {200}
    assert served == [202] * BYTES
    assert ends == {0}
    assert watch.grown_mb < GROWTH_MB
    assert_unharmed(platform)


def test_who_does_not_read_his_answer_holds_up_nobody(platform: Platform) -> None:
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"

    with platform.watched() as watch, ExitStack() as stack:
        opened(platform, [asked * 4] * 100, stack)
        served = [platform.send_event() for _ in dribbled([])]

    assert watch.was_alive(), watch
    assert served == [202] * BYTES
    assert watch.grown_mb < GROWTH_MB
    assert_unharmed(platform)
