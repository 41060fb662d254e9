"""The binary mode of CloudEvents over HTTP: attributes are headers, data is the body."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from app.core.problems import Problem, ProblemType
from ingestion.events.cloudevents import assemble, translate
from ingestion.events.document import single_text
from ingestion.events.examination import shown
from ingestion.events.model import MAX_EVENT_BYTES, NULL
from ingestion.events.native import too_large

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestion.events.examination import Refusal
    from ingestion.events.instants import Period
    from ingestion.events.model import DecodedBatch

PREFIX = "ce-"

_JSON = re.compile(r"[^/]+/(json|[^/]+\+json)")
_QUOTED_PAIR = re.compile(r"\\(.)")


def attribute_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a CloudEvent's headers by the names of its attributes; empty when the request is none."""
    return {name[3:].lower(): value for name, value in headers.items() if name[:3].lower() == PREFIX}


def decode_binary(body: bytes, content_type: str, headers: Mapping[str, str], period: Period) -> DecodedBatch:
    """Take one CloudEvent from what `attribute_headers` found; raises `Problem`.

    The data must be JSON, whatever its content type is called.
    """
    attributes: dict[str, object] = {}
    refusals: list[Refusal] = []
    for name, value in headers.items():
        try:
            attributes[name] = header_value(value)
        except UnicodeError:
            refusals.append((shown(name), "is not percent-encoded UTF-8"))
    if "datacontenttype" in headers:
        refusals.append(("datacontenttype", "is told by the header Content-Type in the binary mode"))
    elif content_type:
        attributes["datacontenttype"] = content_type
    if len(body) > MAX_EVENT_BYTES:
        refusals.append(too_large(len(body)))
    if refusals:
        return assemble([refusals])
    return assemble([translate(attributes, _data_of(body, content_type), period)])


def header_value(text: str) -> str:
    """Undo double quotes, then one round of percent-encoding; raises `UnicodeError` for what is not UTF-8 then.

    `text` is a header's value as WSGI gives it: each character stands for one byte.
    """
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = _QUOTED_PAIR.sub(r"\1", text[1:-1])
    return unquote_to_bytes(text.encode("latin-1")).decode()


def _data_of(body: bytes, content_type: str) -> bytes:
    if not body.strip():
        return bytes(NULL)
    try:
        single_text(body)
    except Problem as problem:
        if problem.type is ProblemType.MALFORMED_JSON and content_type and not _JSON.match(content_type.lower()):
            detail = f"Data of {shown(content_type)} is not taken; in the binary mode, too, data is a JSON object."
            raise Problem(ProblemType.UNSUPPORTED_MEDIA_TYPE, detail) from None
        raise
    return body
