"""CloudEvents 1.0 in JSON; the examples are those of the specification's JSON format, 1.0.2."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.problems import ProblemType
from ingestion.events.attributes import event_id_of
from ingestion.events.decode import BATCHED, STRUCTURED
from ingestion.events.model import read_events

if TYPE_CHECKING:
    from tests.ingestion.events.conftest import Door

CLOUDEVENT: dict[str, Any] = {
    "specversion": "1.0",
    "type": "com.example.someevent",
    "source": "/mycontext",
    "id": "C234-1234-1234",
    "time": "2026-04-05T17:31:00Z",
    "comexampleextension1": "value",
    "comexampleothervalue": 5,
    "datacontenttype": "application/json",
    "data": {"appinfoA": "abc", "appinfoB": 123, "appinfoC": True},
}
LEAST = {"specversion": "1.0", "type": "t", "source": "/s", "id": "1"}


def test_the_specification_s_example_becomes_an_event(door: Door) -> None:
    batch = door.take(CLOUDEVENT | {"subject": None}, STRUCTURED)

    (event,) = read_events(batch.body)
    assert (batch.count, batch.types) == (1, frozenset({"com.example.someevent"}))
    assert event.event_id == sha256(b"/mycontext\nC234-1234-1234").hexdigest()
    assert event.type == "com.example.someevent"
    assert event.timestamp is not None
    assert event.timestamp.isoformat() == "2026-04-05T17:31:00+00:00"
    assert json.loads(bytes(event.payload)) == CLOUDEVENT["data"]


def test_the_envelope_and_the_event_together_are_the_cloudevent_again(door: Door) -> None:
    batch = door.take(CLOUDEVENT | {"subject": None, "flag": False}, STRUCTURED)

    (event,) = read_events(batch.body)
    again = json.loads(bytes(event.envelope)) | {"type": event.type, "data": json.loads(bytes(event.payload))}
    assert again == CLOUDEVENT | {"flag": False}


def test_the_least_that_a_cloudevent_is_becomes_an_event_without_time_and_payload(door: Door) -> None:
    (event,) = read_events(door.take(LEAST, STRUCTURED).body)

    assert event.timestamp is None
    assert bytes(event.payload) == b"null"


def test_data_keeps_every_digit_that_was_sent(door: Door) -> None:
    body = json.dumps(LEAST)[:-1] + ', "data": {"price": 1.50, "n": 123456789012345678901234567890.10}}'

    (event,) = read_events(door.take(body, STRUCTURED).body)

    assert bytes(event.payload) == b'{"price": 1.50, "n": 123456789012345678901234567890.10}'


def test_a_batch_becomes_as_many_events(door: Door) -> None:
    batch = door.take([CLOUDEVENT | {"id": str(number)} for number in range(1_000)], BATCHED)

    assert batch.count == 1_000
    assert len({event.event_id for event in read_events(batch.body)}) == 1_000


@pytest.mark.parametrize(
    ("attributes", "field", "detail"),
    [
        pytest.param({"specversion": None}, "specversion", "is missing", id="no version"),
        pytest.param({"specversion": "0.3"}, "specversion", 'must be "1.0"', id="an old version"),
        pytest.param({"specversion": 1.0}, "specversion", 'must be "1.0"', id="a number as version"),
        pytest.param({"id": ""}, "id", "must not be empty", id="an empty id"),
        pytest.param({"id": 7}, "id", "must be a string", id="a number as id"),
        pytest.param({"source": ""}, "source", "must not be empty", id="an empty source"),
        pytest.param({"source": "/a\nb"}, "source", "contains U+000A", id="a line feed in a source"),
        pytest.param({"subject": "a\ufffe"}, "subject", "contains U+FFFE", id="a noncharacter"),
        pytest.param({"subject": ""}, "subject", "must not be empty", id="an empty subject"),
        pytest.param({"type": "x" * 129}, "type", "must have 1 to 128 characters", id="a long type"),
        pytest.param({"time": "2026-04-05T17:31:00"}, "time", "has no time zone", id="a time without a zone"),
        pytest.param({"time": "2018-04-05T17:31:00Z"}, "time", "must be from 2025-10-18", id="an old time"),
        pytest.param({"Extension": "x"}, "Extension", "lower-case letters and digits only", id="a name in capitals"),
        pytest.param({"my_ext": "x"}, "my_ext", "lower-case letters and digits only", id="a name with an underscore"),
        pytest.param({"ext": 1.5}, "ext", "must be a string, a whole number or a boolean", id="a fraction"),
        pytest.param({"ext": {"a": 1}}, "ext", "must be a string, a whole number or a boolean", id="an object"),
        pytest.param({"ext": 2**31}, "ext", "32 bits", id="a whole number of more than 32 bits"),
        pytest.param({"data": [1]}, "data", "must be a JSON object", id="an array as data"),
        pytest.param({"data": {"a": "\0"}}, "data.a", "character NUL", id="NUL in data"),
        pytest.param({"data_base64": "eA=="}, "data_base64", "must be a JSON object, in `data`", id="binary data"),
    ],
)
def test_a_cloudevent_is_refused_for(door: Door, attributes: dict[str, Any], field: str, detail: str) -> None:
    problem = door.refuse([LEAST, LEAST | attributes], BATCHED)

    (error,) = problem.errors
    assert problem.type is ProblemType.INVALID_EVENTS
    assert (error.index, error.field) == (1, field)
    assert detail in error.detail


@pytest.mark.parametrize(
    ("text", "field", "detail"),
    [
        pytest.param('"data":{"a":NaN}', "data.a", "is NaN", id="NaN in data"),
        pytest.param('"data":{"a":1e999}', "data.a", "beyond ±1.797e308", id="a huge number in data"),
        pytest.param(r'"subject":"\ud800"', "subject", "half of a surrogate pair", id="half a pair in an attribute"),
        pytest.param('"ext":1e999', "ext", "beyond ±1.797e308", id="a huge number as extension"),
        pytest.param('"data":' + "[" * 33 + "]" * 33, "data" + "[0]" * 32, "deeper than 32", id="deep data"),
        pytest.param('"data":' + "[" * 9_999 + "]" * 9_999, None, "far deeper than 32", id="very deep data"),
        pytest.param('"data":' + "[" * 99_999 + "]" * 99_999, None, "far deeper than 32", id="bottomless data"),
        pytest.param('"x":"' + "x" * 65_536 + '"', None, "at most 65,536 are taken", id="large attributes"),
    ],
)
def test_what_cannot_be_read_is_named_too(door: Door, text: str, field: str | None, detail: str) -> None:
    (error,) = door.refuse(json.dumps(LEAST)[:-1] + f",{text}}}", STRUCTURED).errors

    assert (error.index, error.field) == (0, field)
    assert detail in error.detail


@pytest.mark.parametrize("body", ["[]", "7", "null", '"text"'])
def test_what_is_not_an_object_is_no_cloudevent(door: Door, body: str) -> None:
    (error,) = door.refuse(body, STRUCTURED).errors

    assert (error.index, error.field, error.detail) == (0, None, "must be an object")


def test_every_missing_attribute_is_listed(door: Door) -> None:
    problem = door.refuse("{}", STRUCTURED)

    assert [error.field for error in problem.errors] == ["specversion", "id", "source", "type"]


@pytest.mark.parametrize(
    ("cloudevent", "field"),
    [
        pytest.param(
            CLOUDEVENT | {"datacontenttype": "application/xml", "data": '<much wow="xml"/>'},
            "data",
            id="XML in a string",
        ),
        pytest.param(CLOUDEVENT | {"data": "I'm just a string"}, "data", id="just a string"),
        pytest.param(
            {**LEAST, "data_base64": "AAEC", "datacontenttype": "application/x"}, "data_base64", id="binary data"
        ),
    ],
)
def test_the_specification_s_examples_of_other_data_are_refused_by_name(
    door: Door, cloudevent: dict[str, Any], field: str
) -> None:
    (error,) = door.refuse(cloudevent, STRUCTURED).errors

    assert error.field == field


@pytest.mark.parametrize(
    ("body", "content_type", "problem_type", "detail"),
    [
        pytest.param("[]", BATCHED, ProblemType.INVALID_EVENTS, "has no events", id="an empty batch"),
        pytest.param(CLOUDEVENT, BATCHED, ProblemType.INVALID_EVENTS, "is an array of them", id="one event as a batch"),
        pytest.param([LEAST] * 1_001, BATCHED, ProblemType.INVALID_EVENTS, "more than 1,000", id="too many"),
        pytest.param("[" + "0," * 1_000 + "0]", BATCHED, ProblemType.INVALID_EVENTS, "more than 1,000", id="too much"),
        pytest.param("", STRUCTURED, ProblemType.MALFORMED_JSON, "empty", id="nothing"),
        pytest.param("{", STRUCTURED, ProblemType.MALFORMED_JSON, "Line 1, column 2", id="half an event"),
        pytest.param("[{}", BATCHED, ProblemType.MALFORMED_JSON, "Line 1, column 4", id="half a batch"),
        pytest.param(b'{"id":"\xff"}', STRUCTURED, ProblemType.MALFORMED_JSON, "Byte 7 is not UTF-8", id="Latin-1"),
        pytest.param(
            b'[{"id":"\xff"}]', BATCHED, ProblemType.MALFORMED_JSON, "Byte 8 is not UTF-8", id="Latin-1, batched"
        ),
    ],
)
def test_what_is_no_cloudevent_at_all_is_refused(
    door: Door, body: Any, content_type: str, problem_type: ProblemType, detail: str
) -> None:
    problem = door.refuse(body, content_type)

    assert problem.type is problem_type
    assert detail in problem.detail


@given(st.tuples(*[st.text("ab/\n:", min_size=1, max_size=3)] * 4))
def test_two_pairs_of_source_and_id_never_share_an_event_id(pairs: tuple[str, str, str, str]) -> None:
    source, identity, other_source, other_identity = (text.replace("\n", "") for text in pairs)

    same = (source, identity) == (other_source, other_identity)
    assert (event_id_of(source, identity) == event_id_of(other_source, other_identity)) is same
