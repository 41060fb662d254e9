"""What a line of a file says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.domain.histogram import bucket_of
from ingestion.telemetry.formats import BadFileError, BadLineError, CombinedReader, CsvReader, NdjsonReader
from ingestion.telemetry.records import minute_of

MINUTE = minute_of(datetime(2015, 5, 17, 10, 5, tzinfo=UTC))
BROWSER = b'"http://semicomplete.com/" "Mozilla/5.0"'


def combined(
    request: bytes = b"GET /pay HTTP/1.1", when: bytes = b"17/May/2015:10:05:03 +0000", end: bytes = b""
) -> bytes:
    return b'83.149.9.216 - - [%s] "%s" 200 203023 %s%s' % (when, request, BROWSER, end)


def test_a_line_of_a_combined_log_is_a_request_of_its_minute() -> None:
    assert CombinedReader().read(combined()) == ((MINUTE, None, "/pay", "GET", "", 200, "", None), 1)


@pytest.mark.parametrize(
    ("request_line", "method", "route"),
    [
        (b"GET /pay?card=4111 HTTP/1.1", "GET", "/pay"),
        (b"GET /pay?a=b?c HTTP/1.1", "GET", "/pay"),
        (b"GET /caf\xc3\xa9 HTTP/1.1", "GET", "/café"),
        (b"GET /", "GET", "/"),
        (b"OPTIONS * HTTP/1.0", "OPTIONS", "*"),
        (b"GET http://example.org/a?b HTTP/1.1", "GET", "/a"),
        (b"BREW /pot HTCPCP/1.0", "__other__", "/pot"),
        (b"-", "__other__", "__other__"),
        (b"", "__other__", "__other__"),
        (b"\\x16\\x03\\x01", "__other__", "__other__"),
        (b'GET /a\\"b HTTP/1.1', "GET", '/a\\"b'),
        (b"GET /" + b"a" * 300 + b" HTTP/1.1", "GET", "__other__"),
    ],
)
def test_the_route_has_no_query_and_what_is_no_http_was_answered_as_well(
    request_line: bytes, method: str, route: str
) -> None:
    observation, _ = CombinedReader().read(combined(request_line))

    assert (observation[3], observation[2]) == (method, route)


@pytest.mark.parametrize(
    ("end", "duration_us"),
    [(b" 0.003", 3_000), (b" 2", 2_000_000), (b" 2.01", 2_010_000), (b" 0.0000015", 1), (b"", None), (b"\r", None)],
)
def test_the_requests_time_may_stand_behind_the_line_in_seconds(end: bytes, duration_us: int | None) -> None:
    observation, _ = CombinedReader().read(combined(end=end))

    assert observation[7] == (None if duration_us is None else bucket_of(duration_us))


def test_times_are_read_with_their_zone() -> None:
    reader = CombinedReader()

    assert reader.read(combined(when=b"17/May/2015:12:05:59 +0200"))[0][0] == MINUTE
    assert reader.read(combined(when=b"17/May/2015:12:05:59 +0000"))[0][0] == MINUTE + 120
    assert reader.read(combined(when=b"17/May/2015:04:35:00 -0530"))[0][0] == MINUTE


def test_a_log_without_referer_and_agent_is_read_too() -> None:
    line = b'10.0.0.1 - frank [17/May/2015:10:05:03 +0000] "GET /pay HTTP/1.1" 503 -'

    assert CombinedReader().read(line)[0][5] == 503


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense",
        combined()[:-5],
        combined(when=b"17/Foo/2015:10:05:03 +0000"),
        combined(when=b"31/Feb/2015:10:05:03 +0000"),
        combined(end=b" soon"),
        combined().replace(b" 200 ", b" 999 "),
    ],
)
def test_other_lines_are_bad(line: bytes) -> None:
    with pytest.raises(BadLineError):
        CombinedReader().read(line)


def test_ndjson_has_the_fields_of_the_route() -> None:
    line = (
        b'{"timestamp":"2015-05-17T10:05:03Z","route":"/pay?x","method":"POST","status":500,"duration_ms":0.57,'
        b'"account_id":"acme","tier":"free","reason":"card","count":3}'
    )

    assert NdjsonReader().read(line) == ((MINUTE, "acme", "/pay", "POST", "free", 500, "card", bucket_of(570)), 3)
    assert NdjsonReader().read(b"  ") is None


@pytest.mark.parametrize(
    "change",
    [
        ('"status":500', '"status":99'),
        ('"status":500', '"status":"500"'),
        ('"duration_ms":1', '"duration_ms":-1'),
        ('"duration_ms":1', '"duration_ms":NaN'),
        ('"duration_ms":1', '"seconds":1'),
        ("Z", ""),
        ('"/pay"', '""'),
        ('"free"', '"fr\\u0000ee"'),
        ('"acme"', '"ac me"'),
        ('"count":2', '"count":0'),
    ],
)
def test_a_line_of_ndjson_that_the_route_would_refuse_is_bad(change: tuple[str, str]) -> None:
    good = (
        '{"timestamp":"2015-05-17T10:05:03Z","route":"/pay","method":"GET","status":500,"duration_ms":1,'
        '"account_id":"acme","tier":"free","count":2}'
    )
    assert NdjsonReader().read(good.encode()) is not None

    with pytest.raises(BadLineError):
        NdjsonReader().read(good.replace(*change).encode())


def test_csv_names_its_fields_in_the_first_line_and_leaves_out_what_is_not_there() -> None:
    reader = CsvReader()

    assert reader.read(b"\xef\xbb\xbfstatus,timestamp,route,method,duration_ms,tier\r") is None
    first = reader.read(b'200,2015-05-17T10:05:03Z,"/a,b",GET,12.5,free\r')
    second = reader.read(b"404,2015-05-17T10:05:03Z,/c,GET,,")

    assert first == ((MINUTE, None, "/a,b", "GET", "free", 200, "", bucket_of(12_500)), 1)
    assert second == ((MINUTE, None, "/c", "GET", "", 404, "", None), 1)


@pytest.mark.parametrize(
    "line", [b"200", b"x,2015-05-17T10:05:03Z,/c,GET", b"200,yesterday,/c,GET", b'200,"', b"\xff,,,"]
)
def test_other_lines_of_csv_are_bad(line: bytes) -> None:
    reader = CsvReader()
    reader.read(b"status,timestamp,route,method")

    with pytest.raises(BadLineError):
        reader.read(line)


@pytest.mark.parametrize("headings", [b"200,/pay", b"status,timestamp,route", b"status,status,timestamp,route,method"])
def test_csv_without_headings_is_not_read_at_all(headings: bytes) -> None:
    with pytest.raises(BadFileError, match="timestamp, route, method"):
        CsvReader().read(headings)
