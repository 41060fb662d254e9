"""A body that is no batch at all is refused in words that help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.core.problems import ProblemType

if TYPE_CHECKING:
    from tests.ingestion.events.conftest import Door

EVENT = '{"event_id":"e","type":"t"}'


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        pytest.param(b"", "The body is empty.", id="nothing"),
        pytest.param(b" \n", "The body is empty.", id="white space"),
        pytest.param(b"\xef\xbb\xbf{}", "begins with a byte order mark; send it without", id="a byte order mark"),
        pytest.param('{"events":[]}'.encode("utf-16"), "It looks like UTF-16.", id="UTF-16"),
        pytest.param(b'{"events":[{"event_id":"\xff"}]}', "Byte 24 is not UTF-8.", id="Latin-1 in an id"),
        pytest.param(
            b'{"events":[{"event_id":"e","type":"t","payload":{"a":"\xc0\x80"}}]}',
            "Byte 54 is not UTF-8.",
            id="an overlong NUL in a payload",
        ),
        pytest.param(
            b'{"events":[{"event_id":"e","type":"t","payload":{"\xed\xa0\x80":1}}]}',
            "Byte 50 is not UTF-8.",
            id="a surrogate in UTF-8 in a name",
        ),
        pytest.param(f'{{"events":[{EVENT},]}}'.encode(), "Line 1, column 40: Expecting value.", id="a comma too many"),
        pytest.param(
            f'{{"events":\n[{EVENT} {EVENT}]}}'.encode(), "Line 2, column 30: Expecting ']'.", id="none between"
        ),
        pytest.param(f'{{"events":[{EVENT}]'.encode(), "Line 1, column 40: Expecting '}'.", id="a body cut short"),
        pytest.param(f'{{"events":[{EVENT}]}}{{}}'.encode(), "something follows", id="two documents"),
        pytest.param(f"{EVENT}\n{EVENT}".encode(), "Line 2, column 1: the document has ended", id="lines of events"),
        pytest.param(b"{'events':[]}", "property name enclosed in double quotes", id="single quotes"),
        pytest.param(b'{"events":[{"event_id":"\x01"}]}', "Invalid control character", id="a bare control character"),
        pytest.param(b'{"events":[{"event_id":"\\x41"}]}', "Invalid \\escape", id="an escape that JSON has not"),
        pytest.param(b'{"events":[{"event_id":"e","type":"t","payload":{"a":01}}]}', "Expecting", id="a leading zero"),
        pytest.param(b'{"events":[{"event_id":"e","type":"t","payload":{"a":1.}}]}', "Expecting", id="a bare point"),
        pytest.param(b"event_id=e&type=t", "Line 1, column 1: Expecting value.", id="a form"),
        pytest.param(b"\x1f\x8b\x08\x00", "Byte 1 is not UTF-8.", id="gzip that nobody announced"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(door: Door, body: bytes, detail: str) -> None:
    problem = door.refuse(body)

    assert problem.type is ProblemType.MALFORMED_JSON
    assert detail in problem.detail


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        pytest.param(f"[{EVENT}]", None, 'must be an object: {"events": [{', id="an array"),
        pytest.param('"events"', None, "must be an object", id="a string"),
        pytest.param("{}", "events", "is missing", id="no events"),
        pytest.param('{"events":{}}', "events", "must be an array", id="an object of events"),
        pytest.param('{"events":null}', "events", "must be an array", id="null"),
        pytest.param(f'{{"Events":[{EVENT}]}}', "Events", "is not a member of a batch", id="a name in another case"),
        pytest.param(f'{{"events":[{EVENT}],"n":NaN}}', "n", "is not a member of a batch", id="another member"),
        pytest.param(EVENT, "event_id", "is not a member of a batch; `events` is the only one", id="a single event"),
        pytest.param('{"events":[]}', "events", "is empty", id="an empty batch"),
    ],
)
def test_what_is_not_a_batch_is_refused_with_its_form(door: Door, body: str, field: str | None, detail: str) -> None:
    problem = door.refuse(body)

    assert problem.type is ProblemType.INVALID_EVENTS
    assert problem.errors[0].field == field
    assert detail in problem.errors[0].detail


@pytest.mark.parametrize("element", [EVENT, "0", "{}", '{"event_id":"\\ud800"}'])
def test_more_than_a_thousand_events_are_refused_whatever_they_are(door: Door, element: str) -> None:
    problem = door.refuse('{"events":[' + ",".join([element] * 1_001) + "]}")

    assert problem.detail == "The batch has more than 1,000 events; send several."
    assert problem.limit == "events_per_batch"
    assert [(error.field, error.detail) for error in problem.errors] == [("events", "has 1,001 events")]


def test_a_thousand_events_are_taken(door: Door) -> None:
    assert door.take('{"events":[' + ",".join([EVENT] * 1_000) + "]}").count == 1_000


@pytest.mark.parametrize("body", ["[" * 4_000_000, '{"events":' * 500_000, '{"a":[' * 500_000])
def test_a_bottomless_body_is_refused(door: Door, body: str) -> None:
    assert door.refuse(body).type is ProblemType.INVALID_EVENTS


@pytest.mark.parametrize(
    ("content_type", "taken"),
    [
        pytest.param("application/json", True, id="JSON"),
        pytest.param("Application/JSON; charset=UTF-8", True, id="JSON in UTF-8"),
        pytest.param('application/json;charset="utf-8"', True, id="JSON in quoted UTF-8"),
        pytest.param("", True, id="nothing"),
        pytest.param("application/json; charset=iso-8859-1", False, id="JSON in Latin-1"),
        pytest.param("application/x-www-form-urlencoded", False, id="what curl says of itself"),
        pytest.param("application/x-ndjson", False, id="lines of JSON"),
        pytest.param("text/plain", False, id="text"),
        pytest.param("application/cloudevents+avro", False, id="CloudEvents in Avro"),
        pytest.param("application/cloudevents", False, id="CloudEvents in no format"),
    ],
)
def test_the_content_type_may_be(door: Door, content_type: str, *, taken: bool) -> None:
    body = f'{{"events":[{EVENT}]}}'

    if taken:
        assert door.take(body, content_type).count == 1
    else:
        problem = door.refuse(body, content_type)
        assert problem.type is ProblemType.UNSUPPORTED_MEDIA_TYPE
        assert "application/json" in problem.detail
