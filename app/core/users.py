"""People who sign in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.roles import Role

USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,127}")
OPERATOR = "operator"
"""Whoever has the admin token. Nobody else is called that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. `identity` is the issuer and the subject of OpenID Connect; without it there is a password."""

    username: str
    role: Role
    disabled: bool
    created_at: datetime
    updated_at: datetime
    signed_in_at: datetime | None = None
    identity: str | None = None
