"""What people may do who sign in. Each role may do what the ones before it may."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


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


def roles_by_group(text: str) -> dict[str, Role]:
    """Read `group=role` with commas in between; raises `ValueError`."""
    found: dict[str, Role] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        group, _, role = part.rpartition("=")
        if not group.strip() or role.strip() not in set(Role):
            raise ValueError(f"must be like sre=oncall,platform=admin, with roles of {', '.join(Role)}")
        found[group.strip()] = Role(role.strip())
    return found


def role_of(groups: Collection[str], by_group: Mapping[str, Role]) -> Role | None:
    """Return the highest role of the groups somebody is in; that of `*` is for everybody. None without any."""
    roles = [role for group, role in by_group.items() if group == "*" or group in groups]
    return max(roles, key=_RANK.__getitem__, default=None)
