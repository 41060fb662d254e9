"""What a body of `POST /telemetry` must be."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.core.problems import Problem, ProblemType
from app.domain.histogram import bucket_of
from ingestion.telemetry.batch import read_batch
from ingestion.telemetry.records import minute_of

if TYPE_CHECKING:
    from ingestion.telemetry.batch import TelemetryBatch

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
RECORD: dict[str, Any] = {
    "timestamp": "2026-11-22T10:00:00Z",
    "route": "/pay",
    "method": "POST",
    "status": 200,
    "duration_ms": 12,
}
GONE = object()


def read(body: bytes | str) -> TelemetryBatch:
    return read_batch(body if isinstance(body, bytes) else body.encode(), now=NOW, retention=timedelta(days=30))


def body(*changes: dict[str, Any], **others: Any) -> str:
    records = [{name: value for name, value in (RECORD | change).items() if value is not GONE} for change in changes]
    return json.dumps({"service": "checkout", "requests": records} | others)


def refusal(content: bytes | str) -> Problem:
    with pytest.raises(Problem) as refused:
        read(content)
    return refused.value


def test_equal_requests_are_added_up_and_queries_are_cut_off() -> None:
    batch = read(body({"route": "/pay?card=4111"}, {"count": 4}, {"duration_ms": None, "account_id": "acme"}))

    minute = minute_of(datetime(2026, 11, 22, 10, tzinfo=UTC))
    assert (batch.service, batch.records) == ("checkout", 3)
    assert batch.observations == {
        (minute, None, "/pay", "POST", "", 200, "", bucket_of(12_000)): 5,
        (minute, "acme", "/pay", "POST", "", 200, "", None): 1,
    }


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("timestamp", GONE, "missing"),
        ("timestamp", "2026-11-22T10:00:00", "no time zone"),
        ("timestamp", 1_795_341_600, "must be a string"),
        ("timestamp", "2026-10-01T10:00:00Z", "must be from"),
        ("timestamp", "2026-11-24T10:00:00Z", "must be from"),
        ("route", GONE, "missing"),
        ("route", "", "length"),
        ("route", 7, "Expected str"),
        ("route", "/\ud800", "surrogate"),
        ("method", "", "length"),
        ("status", 99, ">= 100"),
        ("status", 600, "<= 599"),
        ("status", "200", "Expected int"),
        ("status", 200.5, "Expected int"),
        ("duration_ms", GONE, "null says"),
        ("duration_ms", -0.1, ">= 0"),
        ("duration_ms", float("nan"), "Expected float"),
        ("duration_ms", 86_400_001, "<= 86400000"),
        ("account_id", "a b", "regex"),
        ("tier", "x" * 65, "length"),
        ("reason", "a\nb", "regex"),
        ("reason", "a\0b", ""),
        ("count", 0, ">= 1"),
        ("count", 1.5, "Expected int"),
        ("bytes", 1, "not a member of a record"),
    ],
)
def test_a_bad_record_is_named_by_its_index_and_field(field: str, value: Any, words: str) -> None:
    problem = refusal(body({}, {field: value}, {}))

    assert problem.type is ProblemType.INVALID_REQUEST
    ((error),) = problem.errors
    assert (error.index, error.field) == (1, field)
    assert words in error.detail


def test_a_number_of_thousands_of_digits_is_named_too() -> None:
    (error,) = refusal(body({}, {"status": 7}).replace('"status": 7', f'"status": 1{"0" * 5_000}')).errors

    assert (error.index, error.field) == (1, "status")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    problem = refusal(body({"status": 1, "route": ""}, {}, {"method": GONE}, service="a b"))

    found = {(error.index, error.field) for error in problem.errors}
    assert found == {(None, "service"), (0, "status"), (0, "route"), (2, "method")}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"service": "a"}', "requests"),
        ('{"service": "a", "requests": {}}', "requests"),
        ('{"service": "a", "requests": []}', "requests"),
        (body(*[{}] * 1_001), "requests"),
        (body({}, service="shop!"), "service"),
        (body({}, service=None), "service"),
        (body({}, more=1), "more"),
    ],
)
def test_a_batch_of_another_form_is_refused(text: str, field: str) -> None:
    assert field in {error.field for error in refusal(text).errors}


@pytest.mark.parametrize("text", ["[]", "null", '"a"', "[" * 100_000 + "]" * 100_000])
def test_a_body_that_is_no_object_is_refused(text: str) -> None:
    assert refusal(text).type in {ProblemType.INVALID_REQUEST, ProblemType.MALFORMED_JSON}


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"{} {}", b"\xef\xbb\xbf{}"])
def test_what_is_no_json_is_malformed(text: bytes) -> None:
    assert refusal(text).type is ProblemType.MALFORMED_JSON


def test_a_record_that_is_no_object_is_named() -> None:
    (error,) = refusal('{"service": "a", "requests": [7]}').errors

    assert (error.index, error.field) == (0, None)


def test_a_member_that_is_there_twice_with_a_first_value_that_is_wrong_is_refused() -> None:
    text = body({}).replace('"status": 200', '"status": 1, "status": 200')

    assert refusal(text).type is ProblemType.INVALID_REQUEST
