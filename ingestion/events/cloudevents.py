"""CloudEvents 1.0 in JSON, translated into events of our own.

`source` and `id` become the event id (`attributes.event_id_of`), `type` the type, `time` the timestamp, and `data` the
payload, untouched. All attributes but the type are kept in `envelope`, so a CloudEvent can be made of a stored event
again. `null` is an attribute, or data, that is not set.

A payload is an object, so data of any other kind is refused: wrapping it would invent a name that the sender does not
know, and rules on `payload.<field>` would miss it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from app.core.problems import FieldError
from ingestion.events.attributes import attribute_refusals, event_id_of
from ingestion.events.document import TOO_DEEP, array_texts, check_count, single_text
from ingestion.events.examination import Members, parse, shown, unstorable
from ingestion.events.model import MAX_EVENT_BYTES, NULL, DecodedBatch
from ingestion.events.native import invalid, too_large
from ingestion.events.storable import CANNOT_DECODE, check_utf_8, surely_storable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.events.examination import Refusal
    from ingestion.events.instants import Period


class Translated(Struct, omit_defaults=True):
    """A CloudEvent as an event of a queue entry."""

    event_id: str
    type: str
    envelope: dict[str, object]
    timestamp: str | None = None
    payload: Raw = NULL


class _Shape(Struct):
    """The least an element of a batch must be; decoded first, so that millions of anything else are never split."""

    specversion: Raw
    id: Raw
    source: Raw
    type: Raw


_shapes = Decoder(list[_Shape])
_texts = Decoder(list[Raw])
_text = Decoder(Raw)
_members = Decoder(dict[str, Raw])
_value = Decoder()
_NULL = bytes(NULL)


def decode_structured(body: bytes, period: Period) -> DecodedBatch:
    """Take one CloudEvent; raises `Problem`."""
    try:
        _text.decode(body)
        check_utf_8(body)
    except CANNOT_DECODE:
        single_text(body)
    return assemble([_read(body, period)])


def decode_batched(body: bytes, period: Period) -> DecodedBatch:
    """Take an array of CloudEvents; raises `Problem`."""
    try:
        check_count(len(_shapes.decode(body)))
        check_utf_8(body)
        texts = [bytes(text) for text in _texts.decode(body)]
    except CANNOT_DECODE:
        texts = [text.encode() for text in array_texts(body)]
    return assemble([_read(text, period) for text in texts])


def assemble(results: Sequence[Translated | list[Refusal]]) -> DecodedBatch:
    """Make a batch of events, or raise `Problem` if one or more of them are refused."""
    events: list[Translated] = []
    errors: list[FieldError] = []
    for index, result in enumerate(results):
        if isinstance(result, Translated):
            events.append(result)
        else:
            errors.extend(FieldError(why, field, index) for field, why in result)
    if errors:
        raise invalid(errors, len(results))
    body = msgspec.json.encode({"events": events})
    return DecodedBatch(body, len(events), frozenset([event.type for event in events]))


def translate(attributes: dict[str, object], data: bytes, period: Period) -> Translated | list[Refusal]:
    """Translate a CloudEvent whose data is known to be JSON."""
    refusals = [*attribute_refusals(attributes, period)]
    if data != _NULL and not surely_storable(data):
        refusals += _data_refusals(data.decode())
    if refusals:
        return refusals
    envelope = {name: value for name, value in attributes.items() if value is not None and name != "type"}
    event_id = event_id_of(str(attributes["source"]), str(attributes["id"]))
    time = attributes.get("time")
    return Translated(event_id, str(attributes["type"]), envelope, None if time is None else str(time), Raw(data))


def _read(text: bytes, period: Period) -> Translated | list[Refusal]:
    if len(text) > MAX_EVENT_BYTES:
        return [too_large(len(text))]
    try:
        members = _members.decode(text)
        data = members.pop("data", NULL)
        attributes = {name: _value.decode(value) for name, value in members.items()}
    except CANNOT_DECODE:
        return _unreadable(text.decode())
    return translate(attributes, bytes(data), period)


def _unreadable(text: str) -> list[Refusal]:
    """Examine an event that cannot even be taken apart."""
    try:
        event = parse(text)
    except RecursionError:
        return [(None, TOO_DEEP)]
    if not isinstance(event, Members):
        return [(None, "must be an object")]
    refusals = [refusal for name, value in event for refusal in unstorable(value, shown(name))]
    return refusals or [(None, "cannot be read")]


def _data_refusals(text: str) -> list[Refusal]:
    try:
        data = parse(text)
    except RecursionError:
        return [("data", TOO_DEEP)]
    refusals = unstorable(data, "data")
    if not refusals and not isinstance(data, Members) and data is not None:
        return [("data", 'must be a JSON object; put other data into one, as in {"value": …}')]
    return refusals
