"""The lanes of a shard, and the order in which turns are given to them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Lane(StrEnum):
    """A stream of a shard. The order of definition is the order of draining."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"
    OVERFLOW = "overflow"

    @property
    def letter(self) -> str:
        """One letter that stands for the lane in a batch id."""
        return self.value[0]


LANES = tuple(Lane)
LANE_BY_LETTER = {lane.letter: lane for lane in Lane}
WEIGHTS = {Lane.HIGH: 8, Lane.NORMAL: 4, Lane.LOW: 2, Lane.OVERFLOW: 1}


def rotation(weights: Sequence[int]) -> tuple[int, ...]:
    """Spread turns so that index *i* gets `weights[i]` of every `sum(weights)`, as evenly as can be.

    Smooth weighted round robin, as in nginx: every index gains its weight, the richest takes the turn and pays
    the sum. Weights 2:1 give (0, 1, 0), never (0, 0, 1). Every index with a weight has a turn in each round, so
    nobody starves.
    """
    total = sum(weights)
    credit = [0] * len(weights)
    turns = []
    for _ in range(total):
        credit = [have + weight for have, weight in zip(credit, weights, strict=True)]
        richest = credit.index(max(credit))
        credit[richest] -= total
        turns.append(richest)
    return tuple(turns)


ROTATION = rotation([WEIGHTS[lane] for lane in LANES])
