"""Whether everything that was accepted is somewhere: accepted = stored + duplicates + dead + in flight.

The two sides come from different hands: admission counts what it accepts, in Valkey; the store writes what became of it,
in PostgreSQL. So the equation can fail, and then an event is lost or doubled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion import balance_store

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.valkey import Valkey


@dataclass(frozen=True, slots=True)
class Balance:
    """Events since the beginning. Replayed dead letters count once, as what they are now."""

    accepted: int
    stored: int
    duplicates: int
    dead: int
    in_flight: int

    @property
    def missing(self) -> int:
        """Events accepted and nowhere.

        While work goes on this may be below zero, because an event can be in flight and stored between the two readings
        and between a COMMIT and its acknowledgement. It is above zero only when events are lost, and exact at rest.
        """
        return self.accepted - self.stored - self.duplicates - self.dead - self.in_flight


def balance(database: Database, valkey: Valkey) -> Balance:
    """Read both sides; raises `DependencyError` when either is away.

    It adds up one row a batch, which takes PostgreSQL about a second for ten million batches: not for every scrape.
    """
    # Valkey comes first: what is stored in between is counted twice rather than not at all.
    accepted, in_flight = balance_store.admitted(valkey)
    with database.begin() as connection:
        stored, duplicates, dead = balance_store.outcomes(connection)
    return Balance(accepted, stored, duplicates, dead, in_flight)
