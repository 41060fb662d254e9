"""A report as tables of plain values, one for each kind of row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec.structs import fields

from reporting.reports.model import (
    Account,
    Action,
    Completeness,
    Contributor,
    Day,
    Definition,
    Incident,
    Maintenance,
    Promise,
    Reason,
    Route,
    Tally,
    TargetChange,
    TierVolume,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from msgspec import Struct

    from reporting.reports.model import Report, Spot

Cell = str | int | bool | Decimal | date | datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`name` is the file's, without its suffix."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def tables(report: Report) -> tuple[Table, ...]:
    """Return all tables of a report, also the empty ones, so that who reads them finds the same files each time."""
    accounts = [*report.accounts, *([report.other_accounts] if report.other_accounts else [])]
    return (
        Table(name="report", header=("field", "value"), rows=tuple(_about(report))),
        _table("promises", Promise, report.promises, leave=frozenset({"trend"})),
        _points("trend", [(each.slo, each.trend) for each in report.promises], "sli"),
        _points("burn_down", [(each.slo, each.line) for each in report.burn_downs], "budget_left"),
        _table("routes", Route, report.routes),
        _table("days", Day, report.days),
        _table("reasons", Reason, report.reasons),
        _table("incidents", Incident, report.incidents, leave=frozenset({"actions", "contributors"})),
        _of_incidents("actions", Action, [(each.incident_id, each.actions) for each in report.incidents]),
        _of_incidents(
            "contributors", Contributor, [(each.incident_id, each.contributors) for each in report.incidents]
        ),
        _table("maintenance", Maintenance, report.maintenance),
        _table("completeness", Completeness, [report.completeness] if report.completeness else []),
        _table("accounts", Account, accounts),
        _table("tiers", TierVolume, report.tiers),
        _table("definitions", Definition, report.definitions),
        _table("target_changes", TargetChange, report.target_changes),
    )


def _about(report: Report) -> Iterable[tuple[Cell, ...]]:
    for name in ("schema", "report_id", "title", "generated_at"):
        yield name, getattr(report, name)
    for part in (report.scope, report.period, report.verdict, report.overview):
        prefix = type(part).__name__.lower()
        yield from ((f"{prefix}.{name}", value) for name, value in zip(_header(type(part)), _cells(part), strict=True))


def _table(name: str, of: type[Struct], rows: Sequence[Struct], leave: frozenset[str] = frozenset()) -> Table:
    return Table(name=name, header=tuple(_header(of, leave)), rows=tuple(tuple(_cells(row, leave)) for row in rows))


def _of_incidents(name: str, of: type[Struct], found: Iterable[tuple[str, Sequence[Struct]]]) -> Table:
    rows = tuple((incident, *_cells(row)) for incident, structs in found for row in structs)
    return Table(name=name, header=("incident_id", *_header(of)), rows=rows)


def _points(name: str, lines: Iterable[tuple[str, tuple[Spot, ...]]], value: str) -> Table:
    rows = tuple((slo, spot.at, spot.value) for slo, spots in lines for spot in spots)
    return Table(name=name, header=("slo", "at", value), rows=rows)


def _header(of: type[Struct], leave: frozenset[str] = frozenset()) -> Iterable[str]:
    """Return the columns of a struct; what is counted becomes four of them."""
    for field in fields(of):
        if field.name in leave:
            continue
        if field.type in {Tally, Tally | None}:
            yield from (f"{field.name}.{part}" for part in Tally.__struct_fields__)
        else:
            yield field.name


def _cells(struct: Struct, leave: frozenset[str] = frozenset()) -> Iterable[Cell]:
    for field in fields(struct):
        if field.name in leave:
            continue
        value = getattr(struct, field.name)
        if field.type in {Tally, Tally | None}:
            yield from (None if value is None else getattr(value, part) for part in Tally.__struct_fields__)
        elif isinstance(value, tuple):
            yield " | ".join(map(str, value))
        else:
            yield value
