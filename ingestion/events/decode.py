"""The door: a request's body into a batch that may be queued, or into a `Problem` that says all that is wrong with it.

Nothing that has passed here fails later for its content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.problems import Problem, ProblemType
from ingestion.events.binary_mode import attribute_headers, decode_binary
from ingestion.events.cloudevents import decode_batched, decode_structured
from ingestion.events.instants import Period
from ingestion.events.native import Terms, decode_native

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from ingestion.events.model import DecodedBatch

NATIVE = "application/json"
STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
TAKEN = f"Taken are {NATIVE}, {STRUCTURED} and {BATCHED}, in UTF-8, and the binary mode of CloudEvents."

_CLOUDEVENTS = "application/cloudevents"


def decode_batch(
    body: bytes,
    content_type: str,
    headers: Mapping[str, str],
    *,
    account_id: str,
    now: datetime,
    retention: timedelta,
) -> DecodedBatch:
    """Take the events of a request; raises `Problem`.

    `body` is inflated and within the limit for bodies. `content_type` may be empty, which counts as JSON. Of `headers` only
    those whose name begins with `ce-`, in any case, are read. `account_id` is the key's account, and events are taken
    from `now - retention` on.
    """
    media_type, _, parameters = content_type.partition(";")
    media_type = media_type.strip().lower()
    if parameters:
        _check_charset(parameters)
    period = Period.at(now, retention)
    if media_type == BATCHED:
        return decode_batched(body, period)
    if media_type == STRUCTURED:
        return decode_structured(body, period)
    if media_type.startswith(_CLOUDEVENTS):
        raise Problem(ProblemType.UNSUPPORTED_MEDIA_TYPE, f"CloudEvents are taken in JSON only. {TAKEN}")
    if attributes := attribute_headers(headers):
        return decode_binary(body, content_type, attributes, period)
    if media_type not in {NATIVE, ""}:
        raise Problem(ProblemType.UNSUPPORTED_MEDIA_TYPE, f"Events of this content type are not taken. {TAKEN}")
    return decode_native(body, Terms(account_id, period))


def _check_charset(parameters: str) -> None:
    for parameter in parameters.lower().split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in {"utf-8", "utf8"}:
            raise Problem(ProblemType.UNSUPPORTED_MEDIA_TYPE, f"This character set is not taken. {TAKEN}")
