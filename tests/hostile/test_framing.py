"""Requests that say two things about where they end, or none: nothing of one is ever taken for another (RFC 9112)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.hostile.platform import Platform

EVENTS = b'{"events": [{"event_id": "framed", "type": "framed"}]}'
IN_CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(EVENTS), EVENTS)
CLOSE = b"Connection: close\r\n"
SMUGGLED = b"GET /problems/not-found HTTP/1.1\r\nHost: x\r\n" + CLOSE + b"\r\n"
"""What an attacker wants taken for a request of its own."""
CHUNKED = b"Transfer-Encoding: chunked\r\n"
ASKED = b"GET /livez HTTP/1.1\r\nHost: x\r\n"


def post(key: str, fields: bytes, body: bytes) -> bytes:
    first = b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return first + b"Authorization: Bearer " + key.encode() + b"\r\n" + fields + b"\r\n" + body


@pytest.mark.parametrize(
    ("fields", "body", "statuses"),
    [
        (b"Content-Length: 5\r\n" + CHUNKED, IN_CHUNKS + SMUGGLED, [202]),
        (CHUNKED + b"Content-Length: 5\r\n", IN_CHUNKS + SMUGGLED, [202]),
        (b"Content-Length: 6\r\n" + CHUNKED, b"0\r\n\r\nG" + SMUGGLED, [400]),
        (CHUNKED + CHUNKED, IN_CHUNKS + SMUGGLED, [400]),
        (b"Transfer-Encoding: gzip, chunked\r\n", IN_CHUNKS + SMUGGLED, [400]),
        (b"Transfer-Encoding: chunked, identity\r\n", IN_CHUNKS + SMUGGLED, [400]),
        (b"Transfer-Encoding: xchunked\r\n", IN_CHUNKS + SMUGGLED, [400]),
        (b"Transfer-Encoding : chunked\r\n", IN_CHUNKS + SMUGGLED, [400]),
        (b"Transfer-Encoding:\r\n chunked\r\n", IN_CHUNKS + SMUGGLED, [400]),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", b"{    }" + SMUGGLED, [400]),
        (b"Content-Length: 5, 5\r\n", b"{   }" + SMUGGLED, [400]),
        (b"Content-Length: +5\r\n", b"{   }" + SMUGGLED, [400]),
        (b"Content-Length: 0x5\r\n", b"{   }" + SMUGGLED, [400]),
        (b"Content-Length: -1\r\n", EVENTS + SMUGGLED, [400]),
        (b"Content-Length: 99999999999999999999\r\n", EVENTS, [400]),
        (b"Content-Length: 1000\r\n", EVENTS, [408]),
        (CHUNKED, b"ZZ\r\n" + EVENTS, [400]),
        (CHUNKED, b"-2\r\n{}\r\n0\r\n\r\n" + SMUGGLED, [400]),
        (CHUNKED, b"FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n" + SMUGGLED, [400]),
        (CHUNKED, b"2\n{}\n0\n\n" + SMUGGLED, [400]),
        (CHUNKED, b"5\r\n{}\r\n0\r\n\r\n" + SMUGGLED, [400]),
        (CHUNKED, b"2;" + b"a" * 50_000 + b"\r\n{}\r\n0\r\n\r\n" + SMUGGLED, [400]),
        (CHUNKED, IN_CHUNKS[:-5], [408]),
    ],
    ids=lambda value: value[:60].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_a_body_that_can_be_read_in_two_ways_is_the_last_of_its_connection(
    platform: Platform, fields: bytes, body: bytes, statuses: list[int]
) -> None:
    replies, rest = platform.exchange(post(platform.key, fields, body))

    assert len(replies) == 1
    assert replies[0].status in statuses
    assert rest == b""
    assert_answered(platform)


@pytest.mark.parametrize(
    "text",
    [
        b"GET /livez HTTP/1.1\rHost: x\r\r",
        b"GET /livez HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /livez\r\n\r\n",
        b"GET /li\0vez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0" * 1_000,
        ASKED + b"X y: z\r\n\r\n",
        ASKED + b"X: a\0b\r\n\r\n",
        ASKED + b": nameless\r\n\r\n",
        ASKED + b"".join(b"X-%d: y\r\n" % number for number in range(1_000)) + b"\r\n",
        ASKED + b"X: " + b"y" * 2_000_000 + b"\r\n\r\n",
        b"GET /" + b"y" * 300_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=lambda text: text[:50].decode("latin-1") + f" … {len(text)}",
)
def test_what_is_no_request_ends_the_connection(platform: Platform, text: bytes) -> None:
    replies, rest = platform.exchange(text + SMUGGLED)

    assert [reply.status for reply in replies if reply.status not in {400, 414, 431}] == []
    assert len(replies) <= 1
    assert rest == b""
    assert_answered(platform)


@pytest.mark.parametrize(
    "text",
    [
        b"CONNECT evil.example:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"TRACE /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"A" * 5_000 + b" /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"y" * 60_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /ui/static/x/..%2f..%2f..%2fetc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /ui/static/x/%2e%2e/%2e%2e/api.log HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /accounts?" + b"a=b&" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /accounts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"y" * 300_000 + b"\r\n\r\n",
        b"GET /accounts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
    ],
    ids=lambda text: text[:50].decode("latin-1") + f" … {len(text)}",
)
def test_an_odd_request_is_refused_as_a_problem(platform: Platform, text: bytes) -> None:
    (reply,), rest = platform.exchange(text.replace(b"Host: x\r\n", b"Host: x\r\n" + CLOSE))

    assert 400 <= reply.status < 500
    assert reply.is_problem or (text.startswith(b"GET /ui/") and b"root:" not in reply.body)
    assert "x-evil" not in reply.lines
    assert rest == b""
    assert_answered(platform)


@pytest.mark.parametrize(
    "fields",
    [
        b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
        b"Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n",
        b"X-Forwarded-For: <script>, 999.1.1.1, \xff\r\n",
        b"X-Request-Id: a%0d%0aX-Evil: 1\r\n",
        b"X: " + b"y" * 300_000 + b"\r\n",
        b"Range: bytes=" + b",".join(b"%d-" % number for number in range(3_000)) + b"\r\n",
    ],
    ids=lambda text: text[:50].decode("latin-1"),
)
def test_odd_fields_change_nothing(platform: Platform, fields: bytes) -> None:
    (reply,), rest = platform.exchange(ASKED + fields + (b"" if fields.startswith(CLOSE[:10]) else CLOSE) + b"\r\n")

    assert (reply.status, reply.body, rest) == (200, b'{"status":"ok"}', b"")
    assert "x-evil" not in reply.lines
    assert_answered(platform)


def test_requests_one_after_the_other_are_answered_in_their_order(platform: Platform) -> None:
    fine = post(platform.key, b"Content-Length: %d\r\n" % len(EVENTS), EVENTS)

    replies, rest = platform.exchange((ASKED + b"\r\n" + fine) * 20 + SMUGGLED)

    assert [reply.status for reply in replies] == [200, 202] * 20 + [200]
    assert rest == b""


def test_lines_that_end_in_a_line_feed_alone_are_one_request_and_no_more(platform: Platform) -> None:
    """RFC 9112 §2.2 allows it, and no two of us read it differently: a body still has the length that it says."""
    text = post(platform.key, CLOSE + b"Content-Length: %d\r\n" % len(EVENTS), EVENTS).replace(b"\r\n", b"\n")

    replies, rest = platform.exchange(text)

    assert ([reply.status for reply in replies], rest) == ([202], b"")


def test_a_cloudevent_whose_body_never_came_is_not_taken_for_one_without_data(platform: Platform) -> None:
    fields = b"ce-specversion: 1.0\r\nce-id: broken\r\nce-source: /x\r\nce-type: x\r\n" + CLOSE

    broken, _ = platform.exchange(post(platform.key, fields + CHUNKED, b"ZZ\r\n"))
    whole, _ = platform.exchange(post(platform.key, fields + CHUNKED, b"2\r\n{}\r\n0\r\n\r\n"))

    assert [reply.status for reply in broken] == [400]
    assert [reply.status for reply in whole] == [202]


def assert_answered(platform: Platform) -> None:
    assert platform.server.get("/livez") == 200
    assert platform.mistakes() == []
