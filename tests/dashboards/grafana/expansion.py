"""Grafana's macros and variables as its documentation has them, so that queries of panels can be run without a Grafana.

SQL: grafana.com/docs/grafana/v11.6/datasources/postgres (macros), and `$__interval_ms` of the global variables.
Variables: grafana.com/docs/grafana/v11.6/dashboards/variables/variable-syntax; Prometheus joins several values as a
regular expression, `:sqlstring` writes them as SQL strings with commas in between.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

_MACRO = re.compile(r"\$__(\w+)\(([^()]*)\)")
_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)")
_GLOBAL = re.compile(r"__\w+|\d+")


@dataclass(frozen=True, slots=True)
class Span:
    """The range of time that a dashboard shows, and how far apart the points of a graph are."""

    since: datetime
    until: datetime
    interval_s: int = 60


def expanded_sql(text: str, variables: Mapping[str, Sequence[str]], span: Span) -> str:
    """Return the SQL that Grafana would send."""
    chosen = _VARIABLE.sub(lambda found: _sql_variable(found, variables), text)
    expanded = _MACRO.sub(lambda found: _macro(found[1], [part.strip() for part in found[2].split(",")], span), chosen)
    for name, value in (("$__interval_ms", str(span.interval_s * 1_000)), ("$__interval", f"{span.interval_s}s")):
        expanded = expanded.replace(name, value)
    assert "$__" not in expanded, expanded
    return expanded


def expanded_promql(text: str, variables: Mapping[str, Sequence[str]], *, rate_interval: str) -> str:
    """Return the PromQL that Grafana would send."""
    expanded = text.replace("$__rate_interval", rate_interval)

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[3]
        return found[0] if _GLOBAL.fullmatch(name) else "|".join(variables[name])

    return _VARIABLE.sub(value, expanded)


def used_variables(text: str) -> Iterator[str]:
    """Give the names of a text's variables, but for those that Grafana has itself."""
    for found in _VARIABLE.finditer(text):
        name = found[1] or found[3]
        if not _GLOBAL.fullmatch(name):
            yield name


def panels_of(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the panels of a dashboard, without the headings of rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def _sql_variable(found: re.Match[str], variables: Mapping[str, Sequence[str]]) -> str:
    name = found[1] or found[3]
    if _GLOBAL.fullmatch(name):
        return found[0]
    assert found[2] == "sqlstring", f"{found[0]} is not quoted"
    return ",".join("'" + value.replace("'", "''") + "'" for value in variables[name])


def _macro(name: str, arguments: list[str], span: Span) -> str:
    since, until = f"'{_instant(span.since)}'", f"'{_instant(span.until)}'"
    match name:
        case "timeFrom":
            return since
        case "timeTo":
            return until
        case "timeFilter":
            return f"{arguments[0]} BETWEEN {since} AND {until}"
        case "timeGroup" | "timeGroupAlias":
            assert arguments[1:] == ["$__interval", "NULL"]
            group = f"floor(extract(epoch from {arguments[0]})/{span.interval_s})*{span.interval_s}"
            return f'{group} AS "time"' if name == "timeGroupAlias" else group
        case _:
            raise AssertionError(f"no such macro: {name}")


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
