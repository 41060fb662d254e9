"""What applying definitions changes, as it is shown."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reporting.definitions.difference import difference
from reporting.slo_view import BudgetView, budget_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from reporting.catalogue.catalogue import Applied
    from reporting.definitions.definition import Definition
    from reporting.definitions.difference import Difference, Effect
    from reporting.definitions.findings import Finding
    from reporting.slo.counts import Counts


class FieldChangeView(Struct, frozen=True):
    """One field of the definition; null where it is not there."""

    path: str
    before: Any
    after: Any


class EffectView(Struct, frozen=True):
    """How a definition stands over its present period; without counts nothing is known of it yet."""

    target: float
    good: float | None
    total: float | None
    budget: BudgetView | None


class DifferenceView(Struct, frozen=True):
    """`change` is created, changed or unchanged; `exhausts` says whether it leaves nothing of a budget that had something."""

    name: str
    change: str
    changes: list[FieldChangeView]
    before: EffectView | None
    after: EffectView | None
    exhausts: bool


class FindingView(Struct, frozen=True):
    """A doubt, or why a text cannot be applied."""

    severity: str
    document: str
    path: str
    line: int | None
    code: str
    message: str


class AppliedView(Struct, frozen=True):
    """What a text comes to; with `dry_run` nothing was changed."""

    dry_run: bool
    slos: list[DifferenceView]
    other_objects: int
    findings: list[FindingView]


def applied_view(applied: Applied, counts: Callable[[Definition], Counts | None], *, dry_run: bool) -> AppliedView:
    """Return what is shown; `counts` answers as `difference` asks."""
    return AppliedView(
        dry_run=dry_run,
        slos=[difference_view(difference(each.before, each.after, counts)) for each in applied.replacements],
        other_objects=applied.objects,
        findings=[finding_view(finding) for finding in applied.findings],
    )


def difference_view(found: Difference) -> DifferenceView:
    change = "created" if found.before is None else "changed" if found.changes else "unchanged"
    return DifferenceView(
        name=found.name,
        change=change,
        changes=[
            FieldChangeView(each.path, _plain(each.before), _plain(each.after))
            for each in (found.changes if found.before is not None else ())
        ],
        before=_effect(found.before),
        after=_effect(found.after),
        exhausts=found.exhausts,
    )


def finding_view(finding: Finding) -> FindingView:
    return FindingView(finding.severity, finding.document, finding.path, finding.line, finding.code, finding.message)


def _effect(effect: Effect | None) -> EffectView | None:
    if effect is None:
        return None
    counts = effect.counts
    return EffectView(
        target=float(effect.target),
        good=None if counts is None else float(counts.in_units(counts.good)),
        total=None if counts is None else float(counts.in_units(counts.total)),
        budget=None if effect.budget is None else budget_view(effect.budget),
    )


def _plain(value: Any) -> Any:
    """Return YAML's values as JSON's."""
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return float(value) if isinstance(value, Decimal) else value
