"""Every way in which we refuse, as RFC 9457 problem details.

One catalogue serves the answers, the help page of each problem type and the OpenAPI document.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

BODY_BYTES = "body_bytes"
"""The `limit` of a body that is too large, before or after decompression."""


class ProblemType(Enum):
    """Slug, HTTP status, title, and what the reader can do about it."""

    MALFORMED_JSON = ("malformed-json", 400, "The body is not JSON", "Send valid JSON in UTF-8.")
    MALFORMED_REQUEST = ("malformed-request", 400, "The request cannot be read", "The detail names what is wrong.")
    UNAUTHORIZED = (
        "unauthorized",
        401,
        "No valid API key",
        "Send `Authorization: Bearer <api key>` with a key that is neither expired nor revoked.",
    )
    FORBIDDEN = (
        "forbidden",
        403,
        "The key may not do this",
        "Use a key with the scope that the detail names, of the account that the request is about.",
    )
    NOT_FOUND = (
        "not-found",
        404,
        "Nothing here",
        "Check the address. Another account's things look like missing ones.",
    )
    METHOD_NOT_ALLOWED = (
        "method-not-allowed",
        405,
        "This address does not take that method",
        "The `Allow` header names the methods it takes.",
    )
    CONFLICT = ("conflict", 409, "It collides with something that exists", "The detail names what exists.")
    CONTENT_TOO_LARGE = (
        "content-too-large",
        413,
        "The body is too large",
        "Send smaller batches; the limits count after decompression.",
    )
    UNSUPPORTED_MEDIA_TYPE = (
        "unsupported-media-type",
        415,
        "This content type or encoding is not taken",
        "The detail names those that are.",
    )
    INVALID_EVENTS = (
        "invalid-events",
        422,
        "Some events are not valid, so none was accepted",
        "`errors` lists every bad event with its index and field. Mend or drop them, and send the batch again.",
    )
    INVALID_REQUEST = ("invalid-request", 422, "A value is not valid", "`errors` names every field.")
    IDEMPOTENCY_MISMATCH = (
        "idempotency-mismatch",
        422,
        "This Idempotency-Key came with another body before",
        "Use a new key for a new body.",
    )
    RATE_LIMIT_EXCEEDED = (
        "rate-limit-exceeded",
        429,
        "Too much in too short a time",
        "Wait for `Retry-After` seconds. `limit` names the limit, and `RateLimit` says what is left of it.",
    )
    QUOTA_EXCEEDED = (
        "quota-exceeded",
        429,
        "The quota of the period is used up",
        "Wait for `resets_at`, or ask for a higher tier.",
    )
    INTERNAL_ERROR = (
        "internal-error",
        500,
        "We made a mistake",
        "It has been logged with the request id. The request may be repeated.",
    )
    CIRCUIT_OPEN = (
        "circuit-open",
        503,
        "Too many of this account's requests were bad",
        "Mend the client, wait for `Retry-After` seconds.",
    )
    OVERLOADED = (
        "overloaded",
        503,
        "The platform has more work than it can take",
        "Repeat after `Retry-After` seconds; the same event ids make it safe.",
    )
    DEPENDENCY_UNAVAILABLE = (
        "dependency-unavailable",
        503,
        "Something we depend on is away",
        "Repeat after `Retry-After` seconds; the same event ids make it safe.",
    )
    TIMEOUT = (
        "timeout",
        504,
        "The deadline passed",
        "It is not known whether the request took effect. Repeating it with the same ids is safe.",
    )
    REQUEST_TIMEOUT = ("request-timeout", 408, "The body did not arrive in time", "Send the request again, faster.")

    def __init__(self, slug: str, status: int, title: str, advice: str) -> None:
        self.slug = slug
        self.status = status
        self.title = title
        self.advice = advice


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field, of one event when `index` is given."""

    detail: str
    field: str | None = None
    index: int | None = None


@dataclass(slots=True)
class Problem(Exception):
    """A refusal on its way to the client; raised anywhere below an edge, answered by the edge.

    `retry_after` is in seconds before jitter, and `jitter_s` the most that is added at random (None: a share of the wait).
    `resets_at` is RFC 3339 UTC; `limit` names the limit that refused.
    """

    type: ProblemType
    detail: str
    errors: tuple[FieldError, ...] = ()
    retry_after: float | None = None
    jitter_s: float | None = None
    limit: str | None = None
    resets_at: str | None = None

    def __str__(self) -> str:
        return f"{self.type.slug}: {self.detail}"
