"""CloudEvents in the binary mode of the HTTP protocol binding, 1.0.2: attributes are headers, data is the body."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.problems import ProblemType
from ingestion.events.attributes import event_id_of
from ingestion.events.binary_mode import header_value
from ingestion.events.model import read_events

if TYPE_CHECKING:
    from tests.ingestion.events.conftest import Door

HEADERS = {
    "Host": "webhook.example.com",
    "ce-specversion": "1.0",
    "ce-type": "com.example.someevent",
    "ce-time": "2026-04-05T03:56:24Z",
    "ce-id": "1234-1234-1234",
    "ce-source": "/mycontext/subcontext",
}
JSON = "application/json; charset=utf-8"


def test_the_specification_s_example_becomes_an_event(door: Door) -> None:
    (event,) = read_events(door.take('{"a": 1.50}', JSON, HEADERS | {"CE-ComExampleOtherValue": "5"}).body)

    assert event.event_id == event_id_of("/mycontext/subcontext", "1234-1234-1234")
    assert event.type == "com.example.someevent"
    assert bytes(event.payload) == b'{"a": 1.50}'
    assert json.loads(bytes(event.envelope)) == {
        "specversion": "1.0",
        "id": "1234-1234-1234",
        "source": "/mycontext/subcontext",
        "time": "2026-04-05T03:56:24Z",
        "comexampleothervalue": "5",
        "datacontenttype": JSON,
    }


@pytest.mark.parametrize("body", [b"", b" \r\n", b"null", b" null\n"])
def test_an_empty_body_is_an_event_without_payload(door: Door, body: bytes) -> None:
    (event,) = read_events(door.take(body, "", HEADERS).body)

    assert bytes(event.payload) == b"null"
    assert "datacontenttype" not in json.loads(bytes(event.envelope))


@pytest.mark.parametrize(
    ("header", "value"),
    [
        pytest.param("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € \U0001f600", id="the specification's example"),
        pytest.param("Euro%20%e2%82%ac", "Euro €", id="lower-case digits"),
        pytest.param("%61%62c", "abc", id="more encoded than is needed"),
        pytest.param("100%25", "100%", id="a percent sign"),
        pytest.param("100%2525", "100%25", id="one round only"),
        pytest.param('"a b"', "a b", id="double quotes of older versions"),
        pytest.param(r'"a \"b\" \\ c"', r'a "b" \ c', id="escapes within double quotes"),
        pytest.param('"%E2%82%AC"', "€", id="quotes first, then percent signs"),
        pytest.param('"', '"', id="a lone quote"),
        pytest.param("€".encode().decode("latin-1"), "€", id="UTF-8 as it is, which WSGI shows as Latin-1"),
    ],
)
def test_a_header_is_decoded(header: str, value: str) -> None:
    assert header_value(header) == value


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])))
def test_whatever_is_encoded_by_the_rules_comes_back(text: str) -> None:
    assert header_value(quote(text, safe="")) == text


@pytest.mark.parametrize(
    ("headers", "field", "detail"),
    [
        pytest.param({"ce-subject": "%C0%A0"}, "subject", "is not percent-encoded UTF-8", id="an overlong space"),
        pytest.param({"ce-subject": "a\xff"}, "subject", "is not percent-encoded UTF-8", id="Latin-1"),
        pytest.param({"ce-subject": "a%00"}, "subject", "contains U+0000", id="NUL"),
        pytest.param({"ce-datacontenttype": "a/b"}, "datacontenttype", "Content-Type", id="a type of data of its own"),
        pytest.param({"ce-my-ext": "x"}, "my-ext", "lower-case letters and digits only", id="a name with a hyphen"),
        pytest.param({"ce-specversion": "0.2"}, "specversion", 'must be "1.0"', id="an old version"),
        pytest.param({"ce-time": "yesterday"}, "time", "is not a date and time", id="a time in words"),
    ],
)
def test_an_event_is_refused_for_its_headers(door: Door, headers: dict[str, str], field: str, detail: str) -> None:
    (error,) = door.refuse("{}", JSON, HEADERS | headers).errors

    assert (error.index, error.field) == (0, field)
    assert detail in error.detail


def test_a_request_with_some_of_the_headers_is_told_the_others(door: Door) -> None:
    problem = door.refuse("{}", JSON, {"ce-id": "1", "Ce-Type": "t"})

    assert [error.field for error in problem.errors] == ["specversion", "source"]


@pytest.mark.parametrize(
    ("body", "content_type", "problem_type"),
    [
        pytest.param(b"[1]", JSON, ProblemType.INVALID_EVENTS, id="an array"),
        pytest.param(b'"I\'m just a string"', JSON, ProblemType.INVALID_EVENTS, id="a string"),
        pytest.param(b'{"a":NaN}', JSON, ProblemType.INVALID_EVENTS, id="NaN"),
        pytest.param(b'{"a":"' + b"x" * 65_536 + b'"}', JSON, ProblemType.INVALID_EVENTS, id="64 KB and more"),
        pytest.param(b'{"a":', JSON, ProblemType.MALFORMED_JSON, id="half an object"),
        pytest.param(b'{"a":"\xff"}', "", ProblemType.MALFORMED_JSON, id="an object in Latin-1"),
        pytest.param(b'<much wow="xml"/>', "application/xml", ProblemType.UNSUPPORTED_MEDIA_TYPE, id="XML"),
        pytest.param(b"\x00\x01", "application/octet-stream", ProblemType.UNSUPPORTED_MEDIA_TYPE, id="bytes"),
    ],
)
def test_an_event_is_refused_for_its_data(
    door: Door, body: bytes, content_type: str, problem_type: ProblemType
) -> None:
    assert door.refuse(body, content_type, HEADERS).type is problem_type


@pytest.mark.parametrize("content_type", ["application/vnd.mine+json", "text/json", "text/plain", ""])
def test_data_that_is_an_object_is_taken_whatever_its_type_is_called(door: Door, content_type: str) -> None:
    assert door.take(b'{"a":1}', content_type, HEADERS).count == 1


def test_a_native_batch_has_no_such_headers(door: Door) -> None:
    body = {"events": [{"event_id": "e", "type": "t"}]}

    assert door.take(body, "application/json", {"Host": "x", "Cellar": "no"}).types == {"t"}
