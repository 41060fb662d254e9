"""What the demo claims at its end, each claim checked against what the platform really has. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.chaos.checker import Evidence
from ingestion.balance import Balance

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING = Evidence({}, {}, {}, (), (), 0, 0, 0)
"""What a platform has that was just made."""


def balance_of(evidence: Evidence) -> Balance:
    """Return the balance as the evidence has it."""
    outcomes = evidence.outcomes.values()
    return Balance(
        accepted=evidence.accepted,
        stored=sum(outcome.stored for outcome in outcomes),
        duplicates=sum(outcome.duplicates for outcome in outcomes),
        dead=sum(outcome.dead for outcome in outcomes),
        in_flight=evidence.in_flight,
    )


def since(before: Evidence, after: Evidence) -> Balance:
    """Return what was added between the two."""
    old, new = balance_of(before), balance_of(after)
    return Balance(
        accepted=new.accepted - old.accepted,
        stored=new.stored - old.stored,
        duplicates=new.duplicates - old.duplicates,
        dead=new.dead - old.dead,
        in_flight=new.in_flight - old.in_flight,
    )


def broken_claims(sent: Mapping[str, set[str]], evidence: Evidence, before: Evidence = NOTHING) -> list[str]:
    """Return a sentence for each claim that does not hold: nothing missing, nothing double, nothing strange, books balanced.

    What was there `before` is not ours to explain, but must be there still.
    """
    broken = []
    for account_id, ids in sorted(sent.items()):
        stored, earlier = evidence.stored.get(account_id, set()), before.stored.get(account_id, set())
        if missing := (ids | earlier) - stored:
            broken.append(
                f"{account_id}: {len(missing)} of {len(ids | earlier)} events are missing, such as {min(missing)}"
            )
        if strange := stored - ids - earlier:
            broken.append(f"{account_id}: {len(strange)} events were never sent, such as {min(strange)}")
        if evidence.rows.get(account_id, 0) != len(stored):
            broken.append(f"{account_id}: {evidence.rows[account_id]} rows for {len(stored)} ids")
    if dead := set(evidence.dead_letters) - set(before.dead_letters):
        broken.append(f"{len(dead)} events are in the dead-letter queue")
    broken.extend(evidence.rollup_differences)
    balance = balance_of(evidence)
    if balance.missing:
        broken.append(f"the balance is off by {balance.missing} events")
    if balance.stored != sum(evidence.rows.values()):
        broken.append(f"outcomes count {balance.stored} stored events, the table has {sum(evidence.rows.values())}")
    return broken
