"""Sums of tenants' own events: what counting rules have counted."""

from __future__ import annotations

from array import array
from datetime import timedelta
from typing import TYPE_CHECKING

from app.core.counting.rules import Rule
from reporting.evaluation import event_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from reporting.evaluation.measure import Measure
    from reporting.evaluation.tiles import Tile


class EventBook:
    """See `Book`."""

    undecided = timedelta(0)

    def __init__(self, measures: Sequence[Measure]) -> None:
        self.measures = measures
        self._slots = {rule_of(measure).rule_id: slot for slot, measure in enumerate(measures)}

    def concerned(self, scope: str) -> Sequence[Measure]:
        return [self.measures[self._slots[scope]]] if scope in self._slots else []

    def load(self, connection: Connection, tiles: Iterable[Tile], *, now: datetime) -> dict[Tile, array[int]]:  # noqa: ARG002 - See `Book`; events count as they are stored.
        empty = array("q", bytes(16 * len(self.measures)))
        sums: dict[Tile, array[int]] = {}
        for rule_id, tile, good, total in event_store.sums(connection, self._slots.keys(), list(tiles)):
            slot = self._slots[rule_id]
            sum_of = sums.setdefault(tile, empty[:])
            sum_of[2 * slot], sum_of[2 * slot + 1] = good, total
        return sums


def rule_of(measure: Measure) -> Rule:
    """Return the counting rule of a measure over events."""
    return Rule(measure.total, measure.part, measure.part_is_good)
