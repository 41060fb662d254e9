"""How soon somebody must hear of something."""

from __future__ import annotations

from enum import StrEnum


class Urgency(StrEnum):
    """`PAGE`: a person, now. `TICKET`: somebody, in working hours."""

    PAGE = "page"
    TICKET = "ticket"
