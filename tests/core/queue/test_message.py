from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from huey import MemoryHuey
from huey.api import chord
from huey.exceptions import TaskException
from huey.utils import SKIPPED, Error
from hypothesis import given
from hypothesis import strategies as st

from app.core.queue.message import MessageError, MessageSerializer, RemoteError, UnknownVersionError

serializer = MessageSerializer()


class Point(NamedTuple):
    x: int
    y: int


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.datetimes()
    | st.datetimes(timezones=st.just(UTC)),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(0, 9), inner),
    max_leaves=20,
)


@given(value=plain)
def test_plain_values_come_back_with_their_types(value: Any) -> None:
    assert _typed(serializer.deserialize(serializer.serialize(value))) == _typed(value)


def _typed(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value), [_typed(item) for item in value]
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    return type(value), value


@pytest.mark.parametrize(
    "moment",
    [datetime(2026, 11, 22, 7, 30, 1, 5), datetime(2026, 11, 22, tzinfo=timezone(timedelta(hours=2)))],  # noqa: DTZ001
    ids=["naive", "aware"],
)
def test_a_datetime_keeps_its_zone_or_its_lack_of_one(moment: datetime) -> None:
    again = serializer.deserialize(serializer.serialize(moment))

    assert (again, again.tzinfo is None) == (moment, moment.tzinfo is None)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (UUID(int=1), "value is a UUID"),
        ([1, {"price": Decimal(1)}], r"value\[1\]\['price'\] is a Decimal"),
        (object(), "value is a object"),
        (2**64, "value is a int"),
        (Point(1, 2), "value is a Point"),
        ({(1, 2): 3}, "value has a key of type tuple"),
        ({"nested": (1, b"", iter([]))}, r"value\['nested'\]\[2\] is a list_iterator"),
    ],
)
def test_what_a_message_cannot_hold_is_refused_with_its_place(value: Any, place: str) -> None:
    with pytest.raises(MessageError, match=place):
        serializer.serialize(value)


def test_a_task_with_its_followers_comes_back_whole() -> None:
    huey = MemoryHuey(serializer=serializer)

    @huey.task(retries=2, retry_delay=5, retry_backoff=3, priority=7, timeout=9)
    def work(*args: Any, **kwargs: Any) -> None: ...

    task = work.s(1, (2, "three"), key={"deep": [b"bytes"]}, delay=60, expires=30)
    task.resolve_expires()
    task.then(work, "next").error(work, "on error")
    huey.enqueue(chord([task], work.s("callback")))
    again = huey.deserialize_task(huey.storage.dequeue())

    assert huey.serialize_task(again) == huey.serialize_task(task)
    assert (again.args, again.kwargs, again.eta) == (task.args, task.kwargs, task.eta)
    assert again.expires_resolved == task.expires_resolved
    assert again.on_complete.args == ("next",)
    assert again.on_error.args == ("on error",)
    assert again.on_complete.chord_config.callback.args == ("callback",)
    assert (again.retries, again.retry_delay, again.retry_backoff, again.priority, again.timeout) == (2, 5, 3, 7, 9)


def test_an_exception_arrives_under_its_name_and_with_its_text() -> None:
    error = serializer.deserialize(serializer.serialize((ValueError("too long"),)))[0]

    assert isinstance(error, RemoteError)
    assert isinstance(error, TaskException)
    assert (type(error).__name__, str(error), repr(error)) == ("ValueError", "too long", "ValueError('too long')")


def test_huey_s_own_values_come_back() -> None:
    error = Error({"error": "ValueError()", "retries": 0})

    assert serializer.deserialize(serializer.serialize([error, SKIPPED])) == [error, SKIPPED]


def test_a_newer_format_is_told_apart_from_rubbish() -> None:
    with pytest.raises(UnknownVersionError, match="format 02 is unknown"):
        serializer.deserialize(b"\x02anything")
    with pytest.raises(MessageError, match="cannot be read"):
        serializer.deserialize(b"\x01\xc1")
    with pytest.raises(UnknownVersionError, match="missing"):
        serializer.deserialize(b"")


def test_a_field_of_a_newer_huey_is_ignored() -> None:
    body = msgspec.msgpack.encode({"id": "a", "name": "m.work", "args": [], "invented": 1})

    message = serializer.deserialize(b"\x01" + msgspec.msgpack.encode(msgspec.msgpack.Ext(3, body)))

    assert (message.id, message.name) == ("a", "m.work")


class Explosive:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("a pickle was run",))


def test_a_pickle_is_never_run() -> None:
    for message in (pickle.dumps(Explosive()), b"\x01" + pickle.dumps(Explosive())):
        with pytest.raises(MessageError):
            serializer.deserialize(message)
