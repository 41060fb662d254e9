"""A batch of Slipstream's own form: taken as it came, or refused with every bad event named."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Raw, Struct
from msgspec.json import Decoder

from app.core.problems import FieldError, Problem, ProblemType
from ingestion.events.document import TOO_DEEP, check_count, native_texts
from ingestion.events.examination import Members, parse, shown, unstorable
from ingestion.events.model import MAX_EVENT_BYTES, MAX_NAME, NULL, DecodedBatch, NativeBatch, NativeEvent
from ingestion.events.storable import CANNOT_DECODE, brackets_of, check_utf_8, surely_storable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.events.examination import Refusal
    from ingestion.events.instants import Period


class _RawBatch(Struct):
    events: list[Raw]


_batch = Decoder(NativeBatch)
_event = Decoder(NativeEvent)
_raw_batch = Decoder(_RawBatch)
_NULL = bytes(NULL)
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")
_REQUIRED = ("event_id", "type")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the events of one request are measured against."""

    account_id: str
    period: Period


def decode_native(body: bytes, terms: Terms) -> DecodedBatch:
    """Take a batch; raises `Problem`.

    1. All of it is decoded as the worker will decode it.
    2. Every event gets the quick look. Those that are not surely good are examined exactly.
    3. So are those with more brackets than their payload has, because a decoder passes over what a second `payload` or
       `events` replaces, however deep it nests.
    """
    try:
        events = _batch.decode(body).events
        check_utf_8(body)
    except CANNOT_DECODE:
        raise _problem_of(body, terms) from None
    check_count(len(events))
    doubtful = set[int]()
    brackets = 2  # Those of the batch itself; then one for each event.
    for index, event in enumerate(events):
        found = _brackets_if_good(event, terms)
        if found is None:
            doubtful.add(index)
        else:
            brackets += 1 + found
    if len(body) > MAX_EVENT_BYTES:
        doubtful.update([index for index, text in enumerate(_texts_of(body)) if len(text) > MAX_EVENT_BYTES])
    if doubtful or brackets != brackets_of(body):
        doubtful.update(_with_hidden_members(body, events))
    if doubtful:
        texts = _texts_of(body)
        errors = [error for index in sorted(doubtful) for error in _errors_of(index, bytes(texts[index]), terms)]
        if errors:
            raise invalid(errors, len(events))
    return DecodedBatch(body, len(events), frozenset([event.type for event in events]))


def _texts_of(body: bytes) -> list[Raw]:
    """Cut a batch that has been decoded into its events."""
    return _raw_batch.decode(body).events


def _with_hidden_members(body: bytes, events: list[NativeEvent]) -> list[int]:
    """Find the events with more brackets than their payload has; raises `Problem` if the rest of the batch has some."""
    counts = [brackets_of(bytes(text)) for text in _texts_of(body)]
    if brackets_of(body) != 2 + sum(counts):
        errors = (FieldError("is there twice", "events"),)
        raise Problem(ProblemType.INVALID_EVENTS, "The batch has `events` twice.", errors)
    return [index for index, event in enumerate(events) if counts[index] != 1 + brackets_of(bytes(event.payload))]


def invalid(errors: list[FieldError], count: int) -> Problem:
    """Refuse a batch of `count` events for what is wrong with some."""
    bad = len({error.index for error in errors})
    return Problem(
        ProblemType.INVALID_EVENTS,
        f"{bad:,} of {count:,} events cannot be taken; `errors` says what is wrong with each.",
        tuple(errors),
    )


def too_large(size: int) -> Refusal:
    """Refuse an event for its size in bytes."""
    return None, f"has {size:,} bytes; at most {MAX_EVENT_BYTES:,} are taken"


def name_refusal(value: object) -> str | None:
    """Say why a parsed JSON value is not taken as an event id or a type."""
    if not isinstance(value, str):
        return "must be a string"
    if not 1 <= len(value) <= MAX_NAME:
        return f"must have 1 to {MAX_NAME} characters; it has {len(value):,}"
    if control := _CONTROL.search(value):
        return f"contains the control character U+{ord(control.group()):04X}"
    return None


def _brackets_if_good(event: NativeEvent, terms: Terms) -> int | None:
    """Return how many brackets open in an event's payload if the event can certainly be taken, and None if it is doubtful.

    The types and lengths of its members are known to be right.
    """
    payload = bytes(event.payload)
    found = 0 if payload == _NULL else surely_storable(payload)
    when = event.timestamp
    good = (
        (found or payload == _NULL)
        and event.event_id.isprintable()
        and event.type.isprintable()
        and (when is None or terms.period.earliest <= when <= terms.period.latest)
        and (event.account_id is None or event.account_id == terms.account_id)
    )
    return found if good else None


def _problem_of(body: bytes, terms: Terms) -> Problem:
    """Say what is wrong with a batch that the worker could not decode."""
    texts = [text.encode() for text in native_texts(body)]
    errors = [
        error
        for index, text in enumerate(texts)
        if not _is_surely_good(text, terms)
        for error in _errors_of(index, text, terms)
    ]
    if errors:
        return invalid(errors, len(texts))
    detail = "A member of the batch or of an event is there twice, and its first value is not valid."
    return Problem(ProblemType.INVALID_EVENTS, detail, (FieldError("has a member twice"),))


def _is_surely_good(text: bytes, terms: Terms) -> bool:
    try:
        found = _brackets_if_good(_event.decode(text), terms)
    except CANNOT_DECODE:
        return False
    return found is not None and brackets_of(text) == 1 + found and len(text) <= MAX_EVENT_BYTES


def _errors_of(index: int, text: bytes, terms: Terms) -> Iterator[FieldError]:
    for field, why in _refusals(index, text, terms):
        yield FieldError(why, field, index)


def _refusals(index: int, text: bytes, terms: Terms) -> Iterator[Refusal]:
    """Examine an event exactly. Of a member that is there twice the last one counts, except that a payload is refused then."""
    if len(text) > MAX_EVENT_BYTES:
        yield too_large(len(text))
        return
    try:
        event = parse(text.decode())
    except RecursionError:
        yield None, TOO_DEEP
        return
    if not isinstance(event, Members):
        yield None, "must be an object"
        return
    for name, value in event:
        bad = unstorable(value, shown(name))
        yield from bad
        if not bad and (why := _member_refusal(index, name, value, terms)):
            yield shown(name), why
    names = [name for name, _ in event]
    for name in _REQUIRED:
        if name not in names:
            yield name, "is missing"
    if names.count("payload") > 1:
        yield "payload", "is there twice"


def _member_refusal(index: int, name: str, value: object, terms: Terms) -> str | None:
    match name:
        case "event_id" | "type":
            return name_refusal(value)
        case "timestamp":
            return None if value is None else terms.period.refusal(value)
        case "payload":
            return None if value is None or isinstance(value, Members) else "must be an object"
        case "account_id":
            if isinstance(value, str) and value != terms.account_id:
                detail = f"Event {index} is of the account {shown(value)!r}; the key belongs to {terms.account_id!r}."
                why = "must be the key's account, or absent"
                raise Problem(ProblemType.FORBIDDEN, detail, (FieldError(why, name, index),))
            return None if value is None or isinstance(value, str) else "must be a string"
        case _:
            return f"is not a member of an event; those are {', '.join(NativeEvent.__struct_fields__)}"
