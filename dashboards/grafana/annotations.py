"""Marks over every graph: what was wrong when. Prometheus knows of firing alerts, PostgreSQL of incidents."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import AnnotationQuery, DataSourceRef

from dashboards.grafana.panel import RED, Source
from dashboards.grafana.source_queries import reference
from dashboards.grafana.statements import sql
from dashboards.prometheus.alerting import BURN_ALERT

_GRAFANA = DataSourceRef(type_val="grafana", uid="-- Grafana --")
FIRING = f'max by (slo, service, severity) (ALERTS{{alertname="{BURN_ALERT}", alertstate="firing"}})'


class _Marks(AnnotationQuery):
    """An annotation with what its data source needs, for which the SDK has no fields."""

    def __init__(self, name: str, source: DataSourceRef, more: dict[str, object]) -> None:
        super().__init__(name=name, datasource=source, enable=True, hide=False, icon_color=RED)
        self._more = more

    def to_json(self) -> dict[str, object]:
        return super().to_json() | self._more


class _Built(Builder[AnnotationQuery]):
    def __init__(self, marks: _Marks) -> None:
        self._marks = marks

    def build(self) -> AnnotationQuery:
        return self._marks


def marks(source: Source) -> Builder[AnnotationQuery]:
    """Return the marks that a data source knows."""
    if source is Source.PROMETHEUS:
        more: dict[str, object] = {
            "expr": FIRING,
            "step": "60s",
            "titleFormat": "{{slo}} burns its error budget",
            "textFormat": "{{severity}} of {{service}}",
            "tagKeys": "severity,service",
        }
        return _Built(_Marks("Firing alerts", reference(source), more))
    target = {"refId": "Anno", "editorMode": "code", "format": "table", "rawQuery": True, "rawSql": sql("incidents")}
    return _Built(_Marks("Incidents", reference(source), {"target": target}))


def built_in() -> Builder[AnnotationQuery]:
    """Return Grafana's own annotations, which every dashboard has."""
    return (
        dashboard.AnnotationQuery()
        .name("Annotations & Alerts")
        .datasource(_GRAFANA)
        .enable(True)
        .hide(True)
        .icon_color("rgba(0, 211, 255, 1)")
        .type("dashboard")
        .built_in(1)
    )
