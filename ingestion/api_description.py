"""What `ingestion.api` offers, as OpenAPI needs to hear it."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from app.core.http.operations import Answer, Content, Operation, Parameter
from app.core.problems import ProblemType
from ingestion.batch_status import BatchStatus
from ingestion.events.model import MAX_EVENTS, MAX_NAME
from ingestion.idempotency import CONTENT_ENCODING, IDEMPOTENCY_KEY, REPLAYED_ABOUT, REPLAYED_HEADER
from ingestion.limits_description import EVENT_LIMITS

BATCH_ID_EXAMPLE = "07n-1732269000000-0"

_NAME = {"type": "string", "minLength": 1, "maxLength": MAX_NAME}
_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["event_id", "type"],
    "additionalProperties": False,
    "properties": {
        "event_id": _NAME
        | {"description": "Yours. An event is stored once per account and id, however often it is sent."},
        "type": _NAME,
        "timestamp": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "RFC 3339 with a zone; without it, the time of receipt.",
        },
        "payload": {"type": ["object", "null"], "description": "Anything, nested 32 deep at most."},
        "account_id": {"type": ["string", "null"], "description": "If present, the account of the key."},
    },
}
_BATCH: dict[str, Any] = {
    "type": "object",
    "required": ["events"],
    "additionalProperties": False,
    "properties": {"events": {"type": "array", "minItems": 1, "maxItems": MAX_EVENTS, "items": _EVENT}},
}
_CLOUD_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1},
        "source": {"type": "string", "minLength": 1},
        "type": _NAME,
        "time": {"type": "string", "format": "date-time"},
        "subject": {"type": "string", "minLength": 1},
        "datacontenttype": {"const": "application/json"},
        "data": {"type": "object"},
    },
}
_EXAMPLE = {
    "events": [
        {
            "event_id": "0b9c3f6e-5d1a-4c2b-9f0e-7a8b6c5d4e3f",
            "type": "flight.departed",
            "payload": {"carrier": "UA", "flight": 1545, "origin": "EWR", "dest": "IAH"},
        }
    ]
}
_CLOUD_EXAMPLE = {
    "specversion": "1.0",
    "id": "1545-2013-01-01",
    "source": "/airports/EWR",
    "type": "flight.departed",
    "data": {"carrier": "UA", "dest": "IAH"},
}


class Accepted(Struct, frozen=True):
    """The receipt of a batch that is on disk."""

    batch_id: str
    accepted: Annotated[int, Meta(ge=1, le=MAX_EVENTS)]


POST_EVENTS = Operation(
    summary="Send events",
    about=(
        "Up to 1,000 events and 5 MB after decompression (`gzip`, `zstd`), 64 KB an event. A batch is accepted whole or "
        "refused whole: one bad event refuses the batch, and `errors` lists every bad one.\n\n"
        "`202` means that the events are on disk. Each is then stored exactly once per account and `event_id`, so after a "
        "`503`, a `504` or a broken connection the same batch can be sent again.\n\n"
        "A refusal consumes neither rate nor quota. `429` says in `limit` and `resets_at` which limit it was and when it "
        "lets the batch pass; `503` comes when too many of the account's batches were bad (`circuit-open`), or when the "
        "platform has too much to do (`overloaded`). Come back after `Retry-After` seconds, with the same ids.\n\n"
        "CloudEvents 1.0 are taken as `application/cloudevents+json`, `application/cloudevents-batch+json` and in binary "
        "mode. Their identity is `source` and `id` together."
    ),
    tag="Events",
    parameters=(IDEMPOTENCY_KEY, CONTENT_ENCODING),
    body=(
        Content(shape=_BATCH, example=_EXAMPLE),
        Content(shape=_CLOUD_EVENT, example=_CLOUD_EXAMPLE, content_type="application/cloudevents+json"),
        Content(
            shape={"type": "array", "minItems": 1, "maxItems": MAX_EVENTS, "items": _CLOUD_EVENT},
            example=[_CLOUD_EXAMPLE],
            content_type="application/cloudevents-batch+json",
        ),
    ),
    answers=(
        Answer(
            status=202,
            about="The whole batch is on disk.",
            content=(Content(shape=Accepted, example={"batch_id": BATCH_ID_EXAMPLE, "accepted": 1}),),
            headers={REPLAYED_HEADER: REPLAYED_ABOUT},
        ),
    ),
    problems=(
        ProblemType.MALFORMED_JSON,
        ProblemType.UNSUPPORTED_MEDIA_TYPE,
        ProblemType.INVALID_EVENTS,
        ProblemType.IDEMPOTENCY_MISMATCH,
        ProblemType.RATE_LIMIT_EXCEEDED,
        ProblemType.QUOTA_EXCEEDED,
        ProblemType.CIRCUIT_OPEN,
    ),
    headers=EVENT_LIMITS,
)

GET_BATCH = Operation(
    summary="See what became of a batch",
    about=(
        "`accepted` = `stored` + `duplicates` + `dead` once the batch has left the queue. A duplicate is a success: the event "
        "was there already. `reasons` says why events are dead; an operator can replay them."
    ),
    tag="Events",
    parameters=(Parameter(name="batch_id", where="path", about="As the `202` gave it.", example=BATCH_ID_EXAMPLE),),
    answers=(
        Answer(
            status=200,
            about="The state of the batch.",
            content=(
                Content(
                    shape=BatchStatus,
                    example={
                        "batch_id": BATCH_ID_EXAMPLE,
                        "state": "stored",
                        "accepted": 100,
                        "stored": 98,
                        "duplicates": 2,
                        "dead": 0,
                        "reasons": [],
                    },
                ),
            ),
        ),
    ),
)
