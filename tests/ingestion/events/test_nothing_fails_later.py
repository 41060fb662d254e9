"""What the door has taken, PostgreSQL stores as it was sent: proved with JSON that is written to break it."""

from __future__ import annotations

import json
from datetime import UTC, timedelta, timezone
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, event, example, given, reject, settings
from hypothesis import strategies as st

from app.core.arrays import binary_cursor
from app.core.problems import Problem, ProblemType
from ingestion.batches import Batch, microseconds, rows_of
from ingestion.event_store import insert_events
from ingestion.events.compression import pack, unpack
from ingestion.events.decode import BATCHED
from ingestion.events.model import read_events
from tests.ingestion.events.conftest import NOW, RETENTION
from tests.ingestion.events.json_texts import payloads, strings, values

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from app.core.database import Database
    from ingestion.events.model import DecodedBatch
    from tests.ingestion.events.conftest import Door

    Stored = list[tuple[str, str, datetime, Any, Any]]
    Store = Callable[[DecodedBatch], Stored]

_SELECT = "SELECT event_id, type, occurred_at, payload::text, envelope::text FROM events WHERE account_id = %s"

with_postgres = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture
def store(database: Database) -> Store:
    """Sends a batch the way of the worker, and returns what the table holds then: id, type, time, payload, envelope."""
    accounts = count()

    def store(batch: DecodedBatch) -> Stored:
        account_id = f"account-{next(accounts)}"
        events = read_events(unpack(*pack(batch.body)))
        assert len(events) == batch.count
        received = microseconds(NOW)
        rows = rows_of(
            [Batch(account_id=account_id, batch_id="b", received_us=received, accepted=len(events), events=events)]
        )
        with database.begin() as connection:
            cursor = binary_cursor(connection)
            insert_events(cursor, rows)
            cursor.execute(_SELECT, (account_id,))
            return [(*row[:3], exactly(row[3]), exactly(row[4])) for row in cursor.fetchall()]

    return store


def exactly(text: str | None) -> Any:
    """Parse JSON without rounding a number; of members with the same name the last one counts."""
    return None if text is None else json.loads(text, parse_int=Decimal, parse_float=Decimal)


def instants() -> st.SearchStrategy[str]:
    """RFC 3339 of every day that is taken, in any zone, with any number of digits; and a few moments that are not."""
    moments = st.datetimes((NOW - RETENTION).replace(tzinfo=None), (NOW + timedelta(hours=24)).replace(tzinfo=None))
    fractions = st.one_of(st.just(""), st.from_regex(r"\.[0-9]{1,12}", fullmatch=True), st.just(".9999999"))
    zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))

    def write(moment: datetime, zone: timezone, fraction: str) -> str:
        text = moment.replace(tzinfo=UTC, microsecond=0).astimezone(zone).isoformat()
        return text[:19] + fraction + text[19:].replace("+00:00", "Z")

    return st.builds(write, moments, zones, fractions)


def names(*, poison: bool) -> st.SearchStrategy[str]:
    """Event ids and types, between quotes."""
    plain = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=128)
    written = plain.map(json.dumps) | plain.map(lambda text: json.dumps(text, ensure_ascii=False))
    return written | strings(poison=True) if poison else written


def batches(*, poison: bool) -> st.SearchStrategy[str]:
    """Native batches; their members come in any order, and some twice, the payload only with `poison`."""
    payload = payloads(poison=poison) | st.just("null")
    members = {
        "event_id": names(poison=poison),
        "type": names(poison=poison),
        "timestamp": instants().map(lambda text: f'"{text}"') | st.just("null"),
        "payload": payload | values(poison=True) if poison else payload,
        "account_id": st.sampled_from(['"acme"', "null"]),
    }
    written = {name: value.map(f'"{name}": {{}}'.format) for name, value in members.items()}
    first = st.tuples(written["event_id"], written["type"])
    more = st.lists(st.one_of(*written.values()), max_size=4)
    if not poison:
        more = more.filter(lambda found: sum(text.startswith('"payload"') for text in found) < 2)
    events = st.builds(lambda first, more: "{" + ",".join([*more, *first]) + "}", first, more)
    return st.lists(events, min_size=1, max_size=3).map(lambda found: '{"events":[' + ",".join(found) + "]}")


def sent(body: str) -> dict[str, dict[str, Any]]:
    """The events of a body by their ids; of those with the same id, the first."""
    events = exactly(body)["events"]
    return {found["event_id"]: found for found in reversed(events)}


@with_postgres
@given(batches(poison=False))
@example(
    '{"events":[{"event_id":"e","type":"t","payload":{"a":1e308,"b":-0,"c":1e-999,"d":0e999,"\\uffff":"\\\\u0000"}}]}'
)
def test_what_is_within_the_rules_is_taken_and_stored_as_it_was_sent(door: Door, store: Store, body: str) -> None:
    stored = store(door.take(body))

    expected = sent(body)
    assert {row[0]: (row[1], row[3]) for row in stored} == {
        event_id: (found["type"], found.get("payload")) for event_id, found in expected.items()
    }


@with_postgres
@given(batches(poison=True))
@example('{"events":[{"event_id":"e","type":"t","payload":{"a":{"b":"\\u0000"},"a":1}}]}')
@example('{"events":[{"event_id":"e","type":"t","payload":{"a":1e99999,"a":1}}]}')
@example('{"events":[1],"events":[{"event_id":"e","type":"t"}]}')
@example('{"events":[{"event_id":"e","type":"t","payload":[],"payload":{}}]}')
@example('{"events":[{"event_id":"e","type":"t","payload":1e999,"payload":{}}]}')
@example('{"events":[{"event_id":"e","type":"t","payload":' + '{"a":[' * 16 + "]}" * 16 + "}]}")
def test_what_is_taken_is_stored_and_all_else_is_a_problem_of_the_client(door: Door, store: Store, body: str) -> None:
    batch = door.offer(body)

    if isinstance(batch, Problem):
        event(batch.type.slug)
        assert batch.type in {ProblemType.INVALID_EVENTS, ProblemType.MALFORMED_JSON}
        assert msgspec.json.encode(batch.errors)
    else:
        event("taken")
        assert len(store(batch)) == len(sent(body))


@with_postgres
@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode), st.integers(0, 200), batches(poison=False))
def test_a_body_that_was_damaged_is_refused_or_stored(
    door: Door, store: Store, damage: bytes, at: int, body: str
) -> None:
    whole = body.encode()
    at = min(at, len(whole))
    batch = door.offer(whole[:at] + damage + whole[at + len(damage) :])

    if isinstance(batch, Problem):
        assert batch.type in {ProblemType.INVALID_EVENTS, ProblemType.MALFORMED_JSON, ProblemType.FORBIDDEN}
    else:
        assert store(batch)


@with_postgres
@given(instants())
@example("2026-11-22T10:00:00.0000005Z")
@example("2026-11-22T09:59:59.9999999Z")
@example("2026-11-22t10:00:00.123456499999z")
@example("2026-11-22 10:00:00.25-23:59")
def test_the_time_that_is_counted_is_the_time_that_is_stored(door: Door, store: Store, text: str) -> None:
    batch = door.offer({"events": [{"event_id": "e", "type": "t", "timestamp": text}]})
    if isinstance(batch, Problem):
        reject()  # A fraction of the last second is more than 24 hours ahead.
    (counted,) = read_events(batch.body)

    ((_, _, occurred_at, _, _),) = store(batch)

    assert occurred_at == counted.timestamp


@with_postgres
@given(
    st.dictionaries(
        st.sampled_from(["subject", "dataschema", "datacontenttype", "partitionkey", "x1", "source", "id"]),
        strings(poison=True) | st.sampled_from(["1", "-2147483648", "true", "null"]),
    ),
    payloads(poison=True) | values(poison=True),
)
def test_a_cloudevent_that_is_taken_is_stored_with_its_attributes(
    door: Door, store: Store, attributes: dict[str, str], data: str
) -> None:
    written = {"specversion": '"1.0"', "type": '"t"', "source": '"/s"', "id": '"1"'} | attributes | {"data": data}
    body = "[{" + ",".join(f'"{name}":{text}' for name, text in written.items()) + "}]"
    batch = door.offer(body, BATCHED)
    if isinstance(batch, Problem):
        event(batch.type.slug)
        assert msgspec.json.encode(batch.errors)
        return
    event("taken")

    ((_, _, _, payload, envelope),) = store(batch)

    (cloudevent,) = exactly(body)
    assert payload == cloudevent.pop("data")
    assert envelope == {name: value for name, value in cloudevent.items() if value is not None and name != "type"}
