"""The body of `POST /telemetry`: taken whole, or refused with every bad record named by its index and field."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta, Struct

from app.core.problems import FieldError, Problem, ProblemType
from ingestion.events.examination import shown
from ingestion.events.instants import Period
from ingestion.events.storable import text_refusal
from ingestion.telemetry.records import SERVICE_NAME, Record, observation_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime, timedelta

    from app.core.telemetry.ledger import Observation

MOST_RECORDS = 1_000
_LONGEST_NUMBER = 400
"""Digits; Python refuses to read integers of thousands."""
_SHAPE = '{"service": "…", "requests": [{"timestamp", "route", "method", "status", "duration_ms"}]}'


class PostedTelemetry(Struct, frozen=True, forbid_unknown_fields=True):
    service: Annotated[str, Meta(pattern=rf"^{SERVICE_NAME.pattern}\Z")]
    requests: Annotated[list[Record], Meta(min_length=1, max_length=MOST_RECORDS)]


@dataclass(frozen=True, slots=True)
class TelemetryBatch:
    """A batch that may be added: so many records, what their requests are counted by, and the SHA-256 of the body."""

    service: str
    records: int
    observations: Mapping[Observation, int]
    digest: bytes


_decode = msgspec.json.Decoder(PostedTelemetry).decode
_FIELDS = {field.name: field for field in msgspec.structs.fields(Record)}


def read_batch(body: bytes, *, now: datetime, retention: timedelta) -> TelemetryBatch:
    """Read a body, decompressed; raises `Problem`. Requests are taken from `now - retention` on, as events are."""
    period = Period.at(now, retention)
    try:
        posted = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _problem_of(body, period) from None
    earliest, latest = period.earliest, period.latest
    observations: dict[Observation, int] = {}
    for record in posted.requests:
        if not earliest <= record.timestamp <= latest:
            raise _problem_of(body, period)
        observation = observation_of(record)
        observations[observation] = observations.get(observation, 0) + (record.count or 1)
    return TelemetryBatch(posted.service, len(posted.requests), observations, sha256(body).digest())


def _problem_of(body: bytes, period: Period) -> Problem:
    """Say everything that is wrong with a body that was not taken."""
    try:
        value = json.loads(body.decode(), parse_constant=str, parse_int=_integer)
    except UnicodeDecodeError as error:
        return Problem(ProblemType.MALFORMED_JSON, f"Byte {error.start} is not UTF-8.")
    except json.JSONDecodeError as error:
        return Problem(ProblemType.MALFORMED_JSON, f"Line {error.lineno}, column {error.colno}: {error.msg}.")
    except RecursionError:
        return Problem(ProblemType.INVALID_REQUEST, "The body is nested too deep.", (FieldError("is nested too deep"),))
    if not isinstance(value, dict):
        return Problem(
            ProblemType.INVALID_REQUEST, f"The body is not of the form {_SHAPE}.", (FieldError("must be an object"),)
        )
    errors = [*_batch_errors(value), *_record_errors(value.get("requests"), period)]
    if not errors:
        detail = "A member of the batch or of a record is there twice, and its first value is not valid."
        return Problem(ProblemType.INVALID_REQUEST, detail, (FieldError("has a member twice"),))
    bad = len({error.index for error in errors if error.index is not None})
    detail = (
        f"{bad:,} records cannot be taken; `errors` says what is wrong with each."
        if bad
        else "The batch cannot be taken."
    )
    return Problem(ProblemType.INVALID_REQUEST, detail, tuple(errors))


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= _LONGEST_NUMBER else text


def _batch_errors(value: dict[str, Any]) -> Iterator[FieldError]:
    service, requests = value.get("service"), value.get("requests")
    if not isinstance(service, str) or not SERVICE_NAME.fullmatch(service):
        yield FieldError("must be a name of letters, digits, dots, dashes and underscores, 63 at most", "service")
    if not isinstance(requests, list):
        yield FieldError("must be an array of records", "requests")
    elif not 1 <= len(requests) <= MOST_RECORDS:
        yield FieldError(f"must have 1 to {MOST_RECORDS:,} records; it has {len(requests):,}", "requests")
    for name in value:
        if name not in PostedTelemetry.__struct_fields__:
            yield FieldError("is not a member of a batch; those are service and requests", shown(name))


def _record_errors(records: object, period: Period) -> Iterator[FieldError]:
    for index, record in enumerate(records[:MOST_RECORDS] if isinstance(records, list) else ()):
        if not isinstance(record, dict):
            yield FieldError("must be an object", index=index)
            continue
        for name, value in record.items():
            if why := _refusal(name, value, period):
                yield FieldError(why, shown(name), index)
        for name, field in _FIELDS.items():
            if field.required and name not in record:
                yield FieldError(
                    "is missing" if name != "duration_ms" else "is missing; null says that nobody measured it",
                    name,
                    index,
                )


def _refusal(name: str, value: object, period: Period) -> str | None:
    field = _FIELDS.get(name)
    if field is None:
        return f"is not a member of a record; those are {', '.join(_FIELDS)}"
    if name == "timestamp":
        return period.refusal(value)
    if isinstance(value, str) and (why := text_refusal(value)):
        return why
    try:
        msgspec.convert(value, field.type)
    except msgspec.ValidationError as error:
        return str(error).replace("`", "")
    return None
