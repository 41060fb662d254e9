"""What `ingestion.telemetry_api` offers, as OpenAPI needs to hear it."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from app.core.http.operations import Answer, Content, Operation
from app.core.problems import ProblemType
from app.domain.shards import ACCOUNT_ID
from ingestion.idempotency import CONTENT_ENCODING, IDEMPOTENCY_KEY, REPLAYED_ABOUT, REPLAYED_HEADER
from ingestion.limits_description import TELEMETRY_LIMIT
from ingestion.telemetry.batch import MOST_RECORDS
from ingestion.telemetry.records import (
    HIGHEST_STATUS,
    LONGEST_MS,
    LONGEST_REASON,
    LONGEST_TARGET,
    LONGEST_TIER,
    LOWEST_STATUS,
    MOST_REQUESTS,
    SERVICE_NAME,
)


class Counted(Struct, frozen=True):
    """So many records are counted."""

    accepted: Annotated[int, Meta(ge=1, le=MOST_RECORDS)]


_TEXT = r"^[^\u0000-\u001f\u007f-\u009f]*$"
_RECORD: dict[str, Any] = {
    "type": "object",
    "required": ["timestamp", "route", "method", "status", "duration_ms"],
    "additionalProperties": False,
    "properties": {
        "timestamp": {
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339 with a zone; of its minute the request is counted.",
        },
        "route": {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_TARGET,
            "description": "Best as its rule (`/orders/{id}`). A query is cut off.",
        },
        "method": {
            "type": "string",
            "minLength": 1,
            "maxLength": 32,
            "description": "Others than the usual seven count as `__other__`.",
        },
        "status": {"type": "integer", "minimum": LOWEST_STATUS, "maximum": HIGHEST_STATUS},
        "duration_ms": {
            "type": ["number", "null"],
            "minimum": 0,
            "maximum": LONGEST_MS,
            "description": "null where nobody measured it: it is then outside of every latency.",
        },
        "account_id": {"type": ["string", "null"], "pattern": f"^{ACCOUNT_ID.pattern}$"},
        "tier": {"type": ["string", "null"], "maxLength": LONGEST_TIER, "pattern": _TEXT},
        "reason": {
            "type": ["string", "null"],
            "maxLength": LONGEST_REASON,
            "pattern": _TEXT,
            "description": "Why it failed, in one of a few words.",
        },
        "count": {
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": MOST_REQUESTS,
            "description": "How many requests were alike; 1 without it.",
        },
    },
}
_BODY: dict[str, Any] = {
    "type": "object",
    "required": ["service", "requests"],
    "additionalProperties": False,
    "properties": {
        "service": {"type": "string", "pattern": f"^{SERVICE_NAME.pattern}$", "not": {"const": "slipstream"}},
        "requests": {"type": "array", "minItems": 1, "maxItems": MOST_RECORDS, "items": _RECORD},
    },
}
_EXAMPLE = {
    "service": "checkout",
    "requests": [
        {
            "timestamp": "2026-11-22T09:30:00Z",
            "route": "/pay",
            "method": "POST",
            "status": 200,
            "duration_ms": 84.2,
            "tier": "standard",
            "count": 12,
        },
        {
            "timestamp": "2026-11-22T09:30:02Z",
            "route": "/pay",
            "method": "POST",
            "status": 502,
            "duration_ms": 3000,
            "reason": "card-network",
        },
    ],
}

POST_TELEMETRY = Operation(
    summary="Send telemetry of a service",
    about=(
        "Requests that a service answered, so that it can have SLOs: up to 1,000 records and 5 MB after decompression "
        "(`gzip`, `zstd`). A batch is taken whole or refused whole, and `errors` lists every bad record.\n\n"
        "`202` means that the requests are counted, on disk. Send an `Idempotency-Key`: with it a batch that is sent again, "
        "after a `503`, a `504` or a broken connection, is counted once. Without it, it is counted again.\n\n"
        "A service belongs to the account that first wrote it, and `403` is the answer to others; `slipstream` is the "
        "platform itself. Of routes, tiers and reasons the first 500 of a service are told apart, and every route that an SLO "
        "names; further ones count as `__other__`."
    ),
    tag="Telemetry",
    parameters=(IDEMPOTENCY_KEY, CONTENT_ENCODING),
    body=(Content(shape=_BODY, example=_EXAMPLE),),
    answers=(
        Answer(
            status=202,
            about="All of it is counted, and on disk.",
            content=(Content(shape=Counted, example={"accepted": 2}),),
            headers={REPLAYED_HEADER: REPLAYED_ABOUT},
        ),
    ),
    problems=(
        ProblemType.MALFORMED_JSON,
        ProblemType.UNSUPPORTED_MEDIA_TYPE,
        ProblemType.INVALID_REQUEST,
        ProblemType.IDEMPOTENCY_MISMATCH,
        ProblemType.RATE_LIMIT_EXCEEDED,
    ),
    headers=TELEMETRY_LIMIT,
)
