"""What the journal records: a quota's threshold reached, a circuit changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """An account has used so many per cent of its quota of a UTC day (`2026-11-22`) or month (`2026-11`).

    At 100 the quota is used up, or has refused a batch for which too little was left.
    """

    account_id: str
    period: str
    threshold: int
    used: int
    quota: int
    noticed_at: datetime

    @property
    def notice_id(self) -> str:
        """The same for the same notice, however often and by whomever it is delivered."""
        return f"quota/{self.account_id}/{self.period}/{self.threshold}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitChange:
    """The circuit of an account went from one state to another."""

    account_id: str
    change_id: str
    changed_at: datetime
    before: str
    after: str
    cause: str


def read_record(shard: int, entry_id: str, fields: Mapping[str, str]) -> Notice | CircuitChange:
    """Read an entry of a journal as a script wrote it. Raises `LookupError` or `ValueError` when none of ours has."""
    at = datetime.fromtimestamp(int(entry_id.partition("-")[0]) / 1_000, UTC)
    match fields["kind"]:
        case "quota":
            return Notice(
                account_id=fields["account"],
                period=fields["period"],
                threshold=int(fields["threshold"]),
                used=int(fields["used"]),
                quota=int(fields["quota"]),
                noticed_at=at,
            )
        case "circuit":
            return CircuitChange(
                account_id=fields["account"],
                change_id=f"{shard:02d}-{entry_id}",
                changed_at=at,
                before=fields["before"],
                after=fields["after"],
                cause=fields["cause"],
            )
        case kind:
            raise LookupError(f"a journal has no entries of kind {kind!r}")
