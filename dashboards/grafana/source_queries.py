"""Queries as each data source of Grafana wants them. The SDK knows Prometheus's; PostgreSQL's has no builder in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from grafana_foundation_sdk.builders.prometheus import Dataquery as PrometheusBuilder
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.grafana.panel import Kind, Source

if TYPE_CHECKING:
    from dashboards.grafana.panel import Panel, Query

VARIABLE = "datasource"
SCRAPED = "$__rate_interval"


def reference(source: Source) -> DataSourceRef:
    """Return what a panel says of its data source: the one that the reader has chosen."""
    return DataSourceRef(type_val=source.value, uid=f"${{{VARIABLE}}}")


class PostgresqlQuery(Dataquery):
    """What Grafana's query editor for PostgreSQL writes in code mode."""

    def __init__(self, text: str, ref_id: str, *, as_table: bool) -> None:
        self.text = text
        self.ref_id = ref_id
        self.as_table = as_table

    def to_json(self) -> dict[str, object]:
        """Return it as the dashboard holds it."""
        return {
            "refId": self.ref_id,
            "datasource": reference(Source.POSTGRESQL),
            "editorMode": "code",
            "format": "table" if self.as_table else "time_series",
            "rawQuery": True,
            "rawSql": self.text,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read it back."""
        return cls(data["rawSql"], data["refId"], as_table=data["format"] == "table")


class _PostgresqlBuilder(Builder[Dataquery]):
    def __init__(self, query: PostgresqlQuery) -> None:
        self._query = query

    def build(self) -> Dataquery:
        return self._query


def target_of(source: Source, panel: Panel, query: Query, ref_id: str) -> Builder[Dataquery]:
    """Return a query of a panel: of numbers and tables the last value, of graphs all in the range of time."""
    at_once = panel.kind is not Kind.LINES
    if source is Source.POSTGRESQL:
        return _PostgresqlBuilder(PostgresqlQuery(query.text, ref_id, as_table=at_once))
    target = PrometheusBuilder().expr(query.text).ref_id(ref_id).datasource(reference(source))
    target = target.instant() if at_once else target.range()
    if panel.kind is Kind.TABLE:
        target = target.format(PromQueryFormat.TABLE)
    if query.legend:
        target = target.legend_format(query.legend)
    return target
