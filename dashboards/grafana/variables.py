"""What a reader may choose at the top of a dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import VariableOption, VariableRefresh, VariableSort

from dashboards.grafana.panel import Source
from dashboards.grafana.source_queries import VARIABLE, reference

if TYPE_CHECKING:
    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.models.dashboard import VariableModel

ALL = "$__all"
_EVERYTHING = ".*"


@dataclass(frozen=True, slots=True)
class Variable:
    """`query` gives its values. With `several` the reader may choose more than one, and at first has all."""

    name: str
    label: str
    query: str
    several: bool = True


def data_source(source: Source) -> Builder[VariableModel]:
    """Return the variable that every panel's data source is chosen by."""
    return dashboard.DatasourceVariable(VARIABLE).label("Data source").type(source.value).multi(False)


def choice(variable: Variable, source: Source) -> Builder[VariableModel]:
    """Return a variable whose values the data source knows."""
    built = (
        dashboard.QueryVariable(variable.name)
        .label(variable.label)
        .datasource(reference(source))
        .query(variable.query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(variable.several)
        .include_all(variable.several)
    )
    if not variable.several:
        return built
    if source is Source.PROMETHEUS:
        built = built.all_value(_EVERYTHING)
    return built.current(VariableOption(selected=True, text="All", value=ALL))
