"""What the demo claims at its end, each claim checked against what the platform really has. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.cli.chaos.checker import Evidence


@dataclass(frozen=True, slots=True)
class Balance:
    """accepted = stored + duplicates + dead + in flight, in events."""

    accepted: int
    stored: int
    duplicates: int
    dead: int
    in_flight: int

    @property
    def off_by(self) -> int:
        return self.accepted - self.stored - self.duplicates - self.dead - self.in_flight


def balance_of(evidence: Evidence) -> Balance:
    outcomes = evidence.outcomes.values()
    return Balance(
        accepted=evidence.accepted,
        stored=sum(outcome.stored for outcome in outcomes),
        duplicates=sum(outcome.duplicates for outcome in outcomes),
        dead=sum(outcome.dead for outcome in outcomes),
        in_flight=evidence.in_flight,
    )


def broken_claims(sent: Mapping[str, set[str]], evidence: Evidence) -> list[str]:
    """Return a sentence for each claim that does not hold: nothing missing, nothing double, nothing strange, books balanced."""
    broken = []
    for account_id, ids in sorted(sent.items()):
        stored = evidence.stored.get(account_id, set())
        if missing := ids - stored:
            broken.append(f"{account_id}: {len(missing)} of {len(ids)} events are missing, such as {min(missing)}")
        if strange := stored - ids:
            broken.append(f"{account_id}: {len(strange)} events were never sent, such as {min(strange)}")
        if evidence.rows.get(account_id, 0) != len(stored):
            broken.append(f"{account_id}: {evidence.rows[account_id]} rows for {len(stored)} ids")
    if evidence.dead_letters:
        broken.append(f"{len(evidence.dead_letters)} events are in the dead-letter queue")
    broken.extend(evidence.rollup_differences)
    balance = balance_of(evidence)
    if balance.off_by:
        broken.append(f"the balance is off by {balance.off_by} events")
    if balance.stored != sum(evidence.rows.values()):
        broken.append(f"outcomes count {balance.stored} stored events, the table has {sum(evidence.rows.values())}")
    return broken
