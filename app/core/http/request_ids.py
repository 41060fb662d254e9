"""A name for every request, which the client sees and the logs carry."""

from __future__ import annotations

import re
import secrets
from itertools import count

_SAFE = re.compile(r"[A-Za-z0-9._:/+=-]{8,128}")
"""What a client may choose: nothing that would have to be quoted in a log or a header, and not too short to tell apart."""


class RequestIds:
    """Gives names; one object a process. A random prefix and a counter cost less than a random number each."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(8)
        self._numbers = count(1)

    def name(self, asked_for: str | None) -> str:
        """Return the client's own name for the request if it is a safe one, and a new one otherwise."""
        if asked_for is not None and _SAFE.fullmatch(asked_for):
            return asked_for
        return f"{self._prefix}-{next(self._numbers):08x}"
