"""What people may do who sign in. Each role may do what the ones before it may."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """`VIEWER` looks. `ONCALL` acknowledges, silences and replays. `MANAGER` changes promises, accounts and keys. `ADMIN` does the rest: people, and what cannot be undone."""

    VIEWER = "viewer"
    ONCALL = "oncall"
    MANAGER = "manager"
    ADMIN = "admin"

    def may(self, needed: Role) -> bool:
        """Tell whether whoever has this role has also that one."""
        return _RANK[self] >= _RANK[needed]


_RANK = {role: rank for rank, role in enumerate(Role)}
