"""The header `Idempotency-Key`, of every route that takes it."""

from __future__ import annotations

import re

from app.core.http.operations import Parameter
from app.core.problems import Problem, ProblemType

LONGEST_IDEMPOTENCY_KEY = 255

_VISIBLE = re.compile(rf"[!-~]{{1,{LONGEST_IDEMPOTENCY_KEY}}}")

IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    where="header",
    about="For 24 hours the same key with the same body gets the same answer, and with another body is refused.",
    schema={"type": "string", "minLength": 1, "maxLength": LONGEST_IDEMPOTENCY_KEY, "pattern": "^[!-~]+$"},
)
CONTENT_ENCODING = Parameter(
    name="Content-Encoding",
    where="header",
    about="How the body is compressed.",
    schema={"type": "string", "enum": ["gzip", "zstd", "identity"]},
)
REPLAYED_HEADER = "Idempotent-Replayed"
REPLAYED_ABOUT = "`true` when an earlier request with this Idempotency-Key was the one accepted."


def idempotency_key(given: str | None) -> str | None:
    """Return the key that a request was given, if any; raises `Problem` for one that cannot be a key."""
    if given is not None and not _VISIBLE.fullmatch(given):
        detail = f"Idempotency-Key is not 1 to {LONGEST_IDEMPOTENCY_KEY} visible ASCII characters."
        raise Problem(ProblemType.MALFORMED_REQUEST, detail)
    return given
