"""What applying a definition would change, before it is applied: fields, and what it does to the budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reporting.definitions.export import plain
from reporting.definitions.findings import written
from reporting.slo.error_budget import error_budget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal

    from reporting.definitions.definition import Definition
    from reporting.definitions.findings import Path
    from reporting.slo.counts import Counts
    from reporting.slo.error_budget import ErrorBudget


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, as plain values; None where it is not there."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Effect:
    """How a definition stands over its own compliance period; without data nothing is known of it."""

    target: Decimal
    counts: Counts | None
    budget: ErrorBudget | None


@dataclass(frozen=True, slots=True)
class Difference:
    """From `before` to `after`; the one is None for a new definition, the other for one that is removed."""

    name: str
    changes: tuple[FieldChange, ...]
    before: Effect | None
    after: Effect | None

    @property
    def exhausts(self) -> bool:
        """Whether it turns a budget that has something left into one that has not."""
        had = self.before is not None and self.before.budget is not None and not self.before.budget.exhausted
        return had and self.after is not None and self.after.budget is not None and self.after.budget.exhausted


def difference(
    old: Definition | None, new: Definition | None, counts: Callable[[Definition], Counts | None]
) -> Difference:
    """Compare two definitions of one name, of which one may be missing.

    References are compared by what they refer to. `counts` answers what a definition counts over its present compliance
    period, in the unit of its budget, and None when that is not known yet (its rule is still being backfilled).
    """
    present = new or old
    if present is None:
        raise ValueError("there is no difference between nothing and nothing")
    return Difference(
        name=present.name,
        changes=tuple(_changes(plain(old.written) if old else {}, plain(new.written) if new else {})),
        before=None if old is None else _effect(old, counts),
        after=None if new is None else _effect(new, counts),
    )


def _effect(definition: Definition, counts: Callable[[Definition], Counts | None]) -> Effect:
    counted = counts(definition)
    budget = None if counted is None else error_budget(definition.objective, counted)
    return Effect(definition.objective.target, counted, budget)


def _changes(before: Any, after: Any, path: Path = ()) -> Iterator[FieldChange]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _changes(before.get(key), after.get(key), (*path, key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _changes(old, new, (*path, index))
    elif before != after:
        yield FieldChange(written(path), before, after)
