"""A native batch is taken whole or refused whole, and every bad event is told with its index and field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from app.core.problems import FieldError, ProblemType
from ingestion.events.model import NULL, read_events

if TYPE_CHECKING:
    from tests.ingestion.events.conftest import Door

EVENT = {"event_id": "e", "type": "t"}


def test_a_batch_is_queued_as_the_very_bytes_that_came(door: Door) -> None:
    body = b' {"events" : [ {"type":"b","event_id":"1","payload":{"a": 1.50}},\n{"event_id":"2","type":"a"} ] } '

    batch = door.take(body)

    assert (batch.body, batch.count, batch.types) == (body, 2, frozenset({"a", "b"}))


def test_a_worker_reads_back_what_was_sent(door: Door) -> None:
    batch = door.event(timestamp="2026-11-22T12:30:00.25+02:00", payload={"a": [1, "ü"]}, account_id="acme")

    (event,) = read_events(batch.body)

    assert (event.event_id, event.type, bytes(event.payload)) == ("e", "t", '{"a":[1,"ü"]}'.encode())
    assert event.timestamp is not None
    assert event.timestamp.isoformat() == "2026-11-22T12:30:00.250000+02:00"
    assert event.envelope == NULL


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({}, id="no more than an id and a type"),
        pytest.param({"timestamp": None, "payload": None, "account_id": None}, id="null for all that is optional"),
        pytest.param({"event_id": "x" * 128, "type": "\U0001f600" * 128}, id="names of 128 characters, not bytes"),
        pytest.param({"event_id": "a b\u00a0c\u200bd", "type": "Zürich ✈"}, id="names with spaces and other scripts"),
        pytest.param({"payload": {}}, id="an empty payload"),
        pytest.param({"payload": {"a": "\x01\x7f\x85\ufffe\uffff"}}, id="control characters within a payload"),
        pytest.param({"payload": {"": {"": 0}}}, id="empty names within a payload"),
        pytest.param({"payload": {"a": "x" * 65_400}}, id="nearly 64 KB"),
        pytest.param({"payload": {"a": 2**63, "b": 10**300, "c": 1e-320, "d": -0.0}}, id="unusual numbers"),
        pytest.param({"payload": {"a": r"\u0000"}}, id="a backslash before u0000"),
        pytest.param({"timestamp": "2025-10-18T12:00:00Z"}, id="exactly as old as the retention"),
        pytest.param({"timestamp": "2026-11-23T12:00:00Z"}, id="exactly a day ahead"),
        pytest.param({"timestamp": "2026-11-23T23:59:00+14:00"}, id="tomorrow by its zone, but not by UTC"),
        pytest.param({"timestamp": "2026-02-28t23:59:59.123456789z"}, id="nanoseconds and lower-case letters"),
        pytest.param({"timestamp": "2026-06-01 00:00:00-00:00"}, id="a space for the T, as RFC 3339 allows"),
    ],
)
def test_an_event_may_have(door: Door, members: dict[str, Any]) -> None:
    assert door.event(**members).count == 1


@pytest.mark.parametrize(
    ("members", "field", "detail"),
    [
        pytest.param({"event_id": ""}, "event_id", "must have 1 to 128 characters; it has 0", id="an empty id"),
        pytest.param({"event_id": "x" * 129}, "event_id", "must have 1 to 128 characters; it has 129", id="a long id"),
        pytest.param({"event_id": 7}, "event_id", "must be a string", id="a number as id"),
        pytest.param({"event_id": None}, "event_id", "must be a string", id="null as id"),
        pytest.param({"event_id": "a\nb"}, "event_id", "control character U+000A", id="a line feed in an id"),
        pytest.param({"type": "a\x7f"}, "type", "control character U+007F", id="a delete character in a type"),
        pytest.param({"type": "a\x85"}, "type", "control character U+0085", id="a C1 control character in a type"),
        pytest.param({"event_id": "a\0"}, "event_id", "character NUL", id="NUL in an id"),
        pytest.param({"payload": [1]}, "payload", "must be an object", id="an array as payload"),
        pytest.param({"payload": "x"}, "payload", "must be an object", id="a string as payload"),
        pytest.param({"payload": {"a": {"b": ["\0"]}}}, "payload.a.b[0]", "character NUL", id="NUL in a payload"),
        pytest.param({"account_id": 7}, "account_id", "must be a string", id="a number as account"),
        pytest.param(
            {"envelope": {}}, "envelope", "is not a member of an event; those are", id="an envelope of its own"
        ),
        pytest.param({"Type": "t"}, "Type", "is not a member of an event", id="a name in another case"),
        pytest.param({"timestamp": 1_732_269_000}, "timestamp", "unit would be a guess", id="seconds since 1970"),
        pytest.param({"timestamp": "1732269000"}, "timestamp", "is not a date and time", id="the same as a string"),
        pytest.param({"timestamp": ""}, "timestamp", "is not a date and time", id="an empty timestamp"),
        pytest.param({"timestamp": "2026-11-22"}, "timestamp", "is not a date and time", id="a date"),
        pytest.param(
            {"timestamp": "2026-02-29T00:00:00Z"}, "timestamp", "is not a date", id="a day that does not exist"
        ),
        pytest.param({"timestamp": "2026-11-22T10:00:00"}, "timestamp", "has no time zone", id="no zone"),
        pytest.param(
            {"timestamp": "2026-11-22T10:00:00.5"}, "timestamp", "has no time zone", id="no zone, but a fraction"
        ),
        pytest.param({"timestamp": "2016-12-31T23:59:60Z"}, "timestamp", "send a leap second as", id="a leap second"),
        pytest.param({"timestamp": "0001-01-01T00:00:00Z"}, "timestamp", "2025-10-18T12:00:00Z", id="year 1"),
        pytest.param(
            {"timestamp": "0001-01-01T00:00:00+23:59"}, "timestamp", "must be from", id="before year 1 by UTC"
        ),
        pytest.param(
            {"timestamp": "9999-12-31T23:59:59-23:59"}, "timestamp", "must be from", id="after year 9999 by UTC"
        ),
        pytest.param(
            {"timestamp": "9999-12-31T23:59:59.9999999Z"}, "timestamp", "is not", id="rounded beyond year 9999"
        ),
        pytest.param({"timestamp": "2025-10-18T11:59:59.999999Z"}, "timestamp", "must be from", id="just too old"),
        pytest.param(
            {"timestamp": "2026-11-23T12:00:00.000001Z"}, "timestamp", "must be from", id="just too far ahead"
        ),
    ],
)
def test_an_event_is_refused_for(door: Door, members: dict[str, Any], field: str, detail: str) -> None:
    problem = door.refuse({"events": [EVENT, EVENT | members]})

    (error,) = problem.errors
    assert problem.type is ProblemType.INVALID_EVENTS
    assert (error.index, error.field) == (1, field)
    assert detail in error.detail


def test_both_bounds_of_time_are_told(door: Door) -> None:
    (error,) = door.refuse({"events": [EVENT | {"timestamp": "2020-01-01T00:00:00Z"}]}).errors

    assert error.detail == (
        "must be from 2025-10-18T12:00:00Z (events are kept for 400 days)"
        " to 2026-11-23T12:00:00Z (24 hours ahead of our clock)"
    )


def test_every_bad_event_is_listed_with_all_its_fields(door: Door) -> None:
    bad = {"type": "", "payload": {"a": float("nan")}, "extra": 1}

    problem = door.refuse(json.dumps({"events": [EVENT, bad, EVENT, [], EVENT | {"timestamp": "x"}]}))

    assert problem.detail.startswith("3 of 5 events cannot be taken")
    assert [(error.index, error.field) for error in problem.errors] == [
        (1, "type"),
        (1, "payload.a"),
        (1, "extra"),
        (1, "event_id"),
        (3, None),
        (4, "timestamp"),
    ]


def test_a_thousand_bad_events_are_all_listed(door: Door) -> None:
    problem = door.refuse(json.dumps({"events": [{"event_id": str(n), "type": "\ud800"} for n in range(1_000)]}))

    assert [error.index for error in problem.errors] == list(range(1_000))


def test_one_large_event_is_found_among_others(door: Door) -> None:
    large = EVENT | {"payload": {"a": "x" * 65_536}}
    padded = b'{"event_id":"e","type":"t"' + b" " * 65_536 + b"}"

    problem = door.refuse(
        b'{"events":[' + json.dumps(large).encode() + b',{"event_id":"e","type":"t"},' + padded + b"]}"
    )

    assert [(error.index, error.field) for error in problem.errors] == [(0, None), (2, None)]
    assert problem.errors[1].detail == "has 65,563 bytes; at most 65,536 are taken"


@pytest.mark.parametrize("size", [pytest.param(65_536, id="taken at 64 KB"), pytest.param(65_537, id="refused above")])
def test_the_size_of_an_event_is_that_of_its_text(door: Door, size: int) -> None:
    frame = '{"event_id":"e","type":"t","payload":{"a":"%s"}}'
    body = '{"events":[' + frame % ("x" * (size - len(frame) + 2)) + "]}"

    if size > 65_536:
        assert door.refuse(body).type is ProblemType.INVALID_EVENTS
    else:
        assert door.take(body).count == 1


@pytest.mark.parametrize("levels", [34, 100, 900, 100_000])
@pytest.mark.parametrize("name", ["payload", "account_id", "unknown"])
def test_what_nests_deep_is_a_problem_of_its_event(door: Door, name: str, levels: int) -> None:
    bad = json.dumps(EVENT)[:-1] + f',"{name}":' + "[" * levels + "]" * levels + "}"

    problem = door.refuse(f'{{"events":[{json.dumps(EVENT)},{bad}]}}')

    assert problem.type is ProblemType.INVALID_EVENTS
    assert problem.errors[0].index == 1


def test_another_account_s_event_forbids_the_batch(door: Door) -> None:
    problem = door.refuse({"events": [EVENT, EVENT | {"account_id": "bolt"}]})

    assert problem.type is ProblemType.FORBIDDEN
    assert problem.detail == "Event 1 is of the account 'bolt'; the key belongs to 'acme'."
    assert problem.errors == (FieldError("must be the key's account, or absent", "account_id", 1),)


def test_of_a_name_that_is_there_twice_the_last_value_counts_if_both_are_valid(door: Door) -> None:
    batch = door.take('{"events":[{"event_id":"1","event_id":"2","type":"t","payload":{"a":1,"a":2}}]}')

    (event,) = read_events(batch.body)
    assert event.event_id == "2"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('{"events":[{"event_id":1,"event_id":"2","type":"t"}]}', id="an id, first a number"),
        pytest.param('{"events":[{"event_id":"2","type":"t","payload":{},"payload":{}}]}', id="a payload"),
        pytest.param(
            '{"events":[{"event_id":"2","type":"t","p\\u0061yload":{},"payload":{}}]}', id="one written otherwise"
        ),
        pytest.param(
            '{"events":[{"event_id":"2","type":"t","payload":[],"payload":{}}]}', id="a payload, first an array"
        ),
        pytest.param(
            '{"events":[{"event_id":"2","type":"t","payload":' + "[" * 900 + "]" * 900 + ',"payload":{}}]}',
            id="a payload, first as deep as the door can read, and perhaps not the worker",
        ),
        pytest.param('{"events":[],"events":[{"event_id":"1","type":"t"}]}', id="the events"),
        pytest.param('{"events":[1],"events":[{"event_id":"1","type":"t"}]}', id="the events, first not valid"),
        pytest.param('{"events":7,"events":[{"event_id":"1","type":"t"}]}', id="the events, first a number"),
        pytest.param(
            '{"events":[{"event_id":"1","type":"["}],"events":[{"event_id":"1","type":"t"}]}', id="the events"
        ),
    ],
)
def test_what_another_value_would_hide_is_refused(door: Door, body: str) -> None:
    assert door.refuse(body).type is ProblemType.INVALID_EVENTS


def test_brackets_in_names_hide_nothing(door: Door) -> None:
    assert door.event(event_id="[{", type="{", payload={"a": [{}]}).count == 1
