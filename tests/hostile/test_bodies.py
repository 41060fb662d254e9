"""Bodies that are larger, deeper or odder than what they say: refused in time, and forgotten."""

from __future__ import annotations

import gzip
import json
from functools import cache
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.hostile.platform import Platform

GROWTH_MB = 90
"""What a few large bodies may leave behind in an allocator; a bomb that goes off is 100 MB."""
TIMES = 3
METRICS_BYTES = 1_000_000
ROUTES = 5_000


def event(payload: str, more: str = "") -> bytes:
    return f'{{"events": [{{"event_id": "1", "type": "x", "payload": {payload}{more}}}]}}'.encode()


@cache
def bomb() -> bytes:
    """100 MB of blanks in 100 KB."""
    return gzip.compress(b" " * 100_000_000, 6)


@pytest.mark.parametrize(
    ("encoding", "status"),
    [("gzip", 413), ("gzip, gzip", 415), ("gzip,br", 415), ("br", 415), ("deflate", 415), ("x" * 5_000, 415)],
    ids=lambda value: str(value)[:20],
)
def test_what_inflates_to_a_thousand_times_its_size_is_not_inflated(
    platform: Platform, encoding: str, status: int
) -> None:
    with platform.watched() as watch:
        replies = [
            platform.post(bomb(), path, Content_Encoding=encoding)
            for path in ("/events", "/telemetry")
            for _ in range(TIMES)
        ]

    assert {reply.status for reply in replies} == {status}
    assert all(reply.is_problem for reply in replies)
    assert watch.grown_mb < GROWTH_MB
    assert_unharmed(platform)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 4_900_000, 422),
        (b'{"a":' * 900_000, 422),
        (event('{"a":' * 100_000 + "1" + "}" * 100_000), 422),
        (event("{" + ",".join(f'"{n:x}":0' for n in range(450_000)) + "}"), 422),
        (event("[" * 900 + "]" * 900), 422),
        (event("{" + ",".join(f'"{n:x}":0' for n in range(1_000_000)) + "}"), 413),
        (event('{"a": "' + "x" * 10_000_000 + '"}'), 413),
        (event('{"a": "' + "x" * 4_000_000 + '"}'), 422),
        (event('{"a": [' + "0," * 2_000_000 + "0]}"), 422),
        (b"[" + b"0," * 2_000_000 + b"0]", 422),
        (b'{"events": [' + b"{}," * 1_000_000 + b"{}]}", 422),
        (b"1" * 4_000_000, 422),
    ],
    ids=lambda value: value[:30].decode() + f" … {len(value)}" if isinstance(value, bytes) else None,
)
def test_a_document_that_is_a_bomb_is_refused(platform: Platform, body: bytes, status: int) -> None:
    with platform.watched() as watch:
        replies = [platform.post(body) for _ in range(TIMES)]

    assert {reply.status for reply in replies} == {status}
    assert all(reply.is_problem for reply in replies)
    assert watch.grown_mb < GROWTH_MB
    assert watch.statuses <= {200}
    assert_unharmed(platform)


FINE = event("{}")


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (b"\xff\xfe" + FINE.decode().encode("utf-16-le"), {400}),
        (FINE.decode().encode("utf-16-be"), {400}),
        (FINE.decode().encode("utf-32"), {400}),
        (b"\xef\xbb\xbf" + FINE, {202, 400}),
        (b"\xef\xbb\xbf" * 2 + FINE, {400}),
        (FINE.replace(b'"x"', b'"\xff"'), {400, 422}),
        (FINE.replace(b'"x"', b'"\xed\xa0\x80"'), {400, 422}),
        (FINE.replace(b'"x"', b'"\xc0\x80"'), {400, 422}),
        (FINE + b"trailing", {400}),
        (FINE + FINE, {400}),
        (FINE + b"\0", {400}),
        (b"", {400}),
        (b"\0", {400}),
        (b"null", {400, 422}),
        (b'"\\ud800"', {400, 422}),
        (event('{"a": 1, "a": 2}', ', "type": "y"'), {202, 422}),
        (event('{"a": NaN}'), {400, 422}),
        (event('{"a": Infinity}'), {400, 422}),
        (event('{"a": 1e400}'), {422}),
        (event('{"a": -1e400}'), {422}),
        (event('{"a": ' + "9" * 4_000 + "}"), {422}),
        (event('{"a": 0.' + "0" * 20_000 + "1}"), {422}),
        (event('{"a": -0, "b": 1.0, "c": 9007199254740993}'), {202}),
        (event('{"a": "\\u0000"}'), {422}),
        (event('{"\\u0000": 1}'), {422}),
        (event('{"a": "\\ud800"}'), {422}),
        (event('{"a": "\\udfff\\ud800"}'), {422}),
        (event("{}", ', "timestamp": "9999-12-31T23:59:60Z"'), {422}),
        (event("{}", ', "timestamp": "0001-01-01T00:00:00Z"'), {422}),
        (event("{}", ', "timestamp": 1e400'), {400, 422}),
        (event("{}", ', "account_id": "bolt"'), {403}),
        (event("{}", ', "role": "admin", "__proto__": {}'), {422}),
    ],
    ids=lambda value: repr(value[-60:]) if isinstance(value, bytes) else None,
)
def test_text_that_is_odd_is_stored_as_it_is_or_refused(platform: Platform, body: bytes, statuses: set[int]) -> None:
    reply = platform.post(body)

    assert reply.status in statuses, reply.body
    assert reply.status == 202 or reply.is_problem
    assert_unharmed(platform)


def test_names_without_end_do_not_fill_the_metrics(platform: Platform) -> None:
    for part in range(0, ROUTES, 1_000):
        requests = [
            {"route": f"/r/{part + n}", "method": f"M{n}", "status": 200 + n % 400, "duration_ms": 1}
            for n in range(1_000)
        ]
        platform.post(json.dumps({"service": f"s{part}", "requests": requests}).encode(), "/telemetry")
    asked = b"".join(b"M%d /nowhere/%d/at/all HTTP/1.1\r\nHost: x\r\n\r\n" % (n, n) for n in range(1_000))
    platform.exchange(asked)

    metrics = platform.ask("GET", "/metrics", Authorization="Bearer the-token-of-the-operator")

    assert metrics.status == 200
    assert b"slipstream_" in metrics.body
    assert len(metrics.body) < METRICS_BYTES
    assert b"/nowhere/" not in metrics.body
    assert_unharmed(platform)


def assert_unharmed(platform: Platform) -> None:
    assert platform.send_event() == 202
    assert platform.mistakes() == []
