"""A panel as data: what it asks, in which unit, and what its number means. `drawing.py` makes Grafana's JSON of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

RED, AMBER, GREEN, BLUE, GREY = "red", "orange", "green", "blue", "text"


class Source(StrEnum):
    """The kinds of data sources, by the ids of Grafana's plugins."""

    PROMETHEUS = "prometheus"
    POSTGRESQL = "grafana-postgresql-datasource"


class Kind(StrEnum):
    """How a panel shows its numbers."""

    LINES = "timeseries"
    NUMBER = "stat"
    BARS = "bargauge"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL with a legend (`{{label}}`), or SQL. In a table of PromQL the legend names the column of values."""

    text: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """From which value on a colour holds; None is from the lowest on."""

    start: float | None
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """`about` says what the number means. Widths are of 24, heights of Grafana's rows.

    `steps` are drawn as lines in a graph. `units` and `links` are of a table's columns; `key` is the label that rows of
    several PromQL queries are joined by.
    """

    title: str
    about: str
    unit: str
    queries: tuple[Query, ...]
    kind: Kind = Kind.LINES
    width: int = 8
    height: int = 8
    decimals: int | None = None
    lowest: float | None = 0
    highest: float | None = None
    steps: tuple[Step, ...] = ()
    empty: str = "no data"
    units: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading, from left to right."""

    title: str
    panels: tuple[Panel, ...]


BUDGET_LEFT = (Step(None, RED), Step(0, AMBER), Step(0.25, GREEN))
"""Of an error budget: overspent, nearly spent, in hand. A quarter is what a week of a month's window may cost at rate 1."""
BURN_RATE = (Step(None, GREEN), Step(1, AMBER), Step(14.4, RED))
"""At 1 the budget lasts exactly for its window; at 14.4 an hour takes 2 % of a month's, which pages."""
ERRORS = (Step(None, GREEN), Step(0.001, AMBER), Step(0.01, RED))
ANY_IS_BAD = (Step(None, GREEN), Step(1, RED))
