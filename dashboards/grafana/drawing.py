"""Grafana's panels, made of ours with the SDK's builders."""

from __future__ import annotations

from string import ascii_uppercase
from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import bargauge, common, dashboard, stat, table, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

from dashboards.grafana.panel import Kind, Source
from dashboards.grafana.source_queries import reference, target_of

if TYPE_CHECKING:
    from dashboards.grafana.panel import Panel

_Drawn = timeseries.Panel | stat.Panel | bargauge.Panel | table.Panel
_SCRAPE = "15s"
_MINUTE = "1m"
"""PostgreSQL counts by the minute, so a finer graph would be a comb."""


def draw(panel: Panel, source: Source, number: int) -> _Drawn:
    """Return the builder of a panel, with `number` as its id in the dashboard."""
    drawn = _of_kind(panel)
    drawn = (
        drawn.id(number)
        .title(panel.title)
        .description(panel.about)
        .datasource(reference(source))
        .span(panel.width)
        .height(panel.height)
        .unit(panel.unit)
        .no_value(panel.empty)
    )
    if panel.decimals is not None:
        drawn = drawn.decimals(panel.decimals)
    if panel.lowest is not None and panel.kind is not Kind.TABLE:
        drawn = drawn.min(panel.lowest)
    if panel.highest is not None:
        drawn = drawn.max(panel.highest)
    if panel.steps:
        steps = [models.Threshold(value=step.start, color=step.colour) for step in panel.steps]
        drawn = drawn.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
    if panel.kind is Kind.LINES:
        drawn = drawn.interval(_MINUTE if source is Source.POSTGRESQL else _SCRAPE)
    for ref_id, query in zip(ascii_uppercase, panel.queries, strict=False):
        drawn = drawn.with_target(target_of(source, panel, query, ref_id))
    return drawn


def _of_kind(panel: Panel) -> _Drawn:
    match panel.kind:
        case Kind.LINES:
            return _lines(panel)
        case Kind.NUMBER:
            return _number(panel)
        case Kind.BARS:
            return _bars()
        case Kind.TABLE:
            return _table(panel)


def _lines(panel: Panel) -> timeseries.Panel:
    """Never stacked: a line is read on the axis, and a gap is time of which nothing is known."""
    drawn = (
        timeseries.Panel()
        .line_width(2)
        .fill_opacity(0)
        .span_nulls(False)
        .stacking(common.StackingConfig().mode(common_models.StackingMode.NONE))
        .show_points(common_models.VisibilityMode.AUTO)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(common_models.LegendDisplayMode.TABLE)
            .placement(common_models.LegendPlacement.BOTTOM)
            .calcs(["lastNotNull", "max"])
        )
        .tooltip(
            common.VizTooltipOptions()
            .mode(common_models.TooltipDisplayMode.MULTI)
            .sort(common_models.SortOrder.DESCENDING)
        )
    )
    if panel.steps:
        style = common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.DASHED)
        drawn = drawn.thresholds_style(style)
    return drawn


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _number(panel: Panel) -> stat.Panel:
    coloured = common_models.BigValueColorMode.VALUE if panel.steps else common_models.BigValueColorMode.NONE
    return (
        stat.Panel()
        .graph_mode(common_models.BigValueGraphMode.NONE)
        .color_mode(coloured)
        .justify_mode(common_models.BigValueJustifyMode.CENTER)
        .reduce_options(_last())
    )


def _bars() -> bargauge.Panel:
    return (
        bargauge.Panel()
        .display_mode(common_models.BarGaugeDisplayMode.BASIC)
        .orientation(common_models.VizOrientation.HORIZONTAL)
        .value_mode(common_models.BarGaugeValueMode.COLOR)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(True).limit(50))
    )


def _table(panel: Panel) -> table.Panel:
    drawn = table.Panel().cell_height(common_models.TableCellHeight.SM).filterable(True)
    for column, unit in panel.units.items():
        drawn = drawn.override_by_name(column, [models.DynamicConfigValue(id_val="unit", value=unit)])
    for column, url in panel.links.items():
        link = {"title": "Show it", "url": url}
        drawn = drawn.override_by_name(column, [models.DynamicConfigValue(id_val="links", value=[link])])
    if panel.key is not None:
        drawn = _joined(drawn, panel, panel.key)
    return drawn


def _joined(drawn: table.Panel, panel: Panel, key: str) -> table.Panel:
    """Make one row of the values of several queries: the column `Value #A` is named by the legend of query A."""
    names = {f"Value #{ref_id}": query.legend for ref_id, query in zip(ascii_uppercase, panel.queries, strict=False)}
    shown = [key, *names]
    return (
        drawn.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(
            models.DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": shown}})
        )
        .with_transformation(
            models.DataTransformerConfig(
                id_val="organize",
                options={"indexByName": {name: place for place, name in enumerate(shown)}, "renameByName": names},
            )
        )
    )
