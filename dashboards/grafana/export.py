"""Writes the dashboards and what provisions them, in the layout of Grafana's own directories."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dashboards.grafana.boards import boards
from dashboards.grafana.provisioning import data_sources, providers
from dashboards.grafana.statements import sql
from reporting.definitions.yaml_text import write

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dashboards.grafana.boards import Boards
    from reporting.definitions.definition import Definition

_HEAD = "# Written by `slipstream dashboards export`; changes here are lost.\n"
_SOURCES_HEAD = (
    "# Grafana's environment names the sources: SLIPSTREAM_PROMETHEUS_URL, SLIPSTREAM_POSTGRESQL_ADDRESS (host:port),\n"
    "# SLIPSTREAM_POSTGRESQL_DATABASE, SLIPSTREAM_POSTGRESQL_SSLMODE (such as require), SLIPSTREAM_GRAFANA_PASSWORD.\n"
)
_PROVIDERS_HEAD = "# Mount or copy the directory `dashboards` to the path below.\n"


def export(definitions: Iterable[Definition], directory: Path) -> Boards:
    """Write the files into a directory, which is made; return what was exported, and what was not and why."""
    found = boards(definitions)
    contents = {f"dashboards/{name}.json": text_of(board.built()) for name, board in found.by_name.items()}
    contents["provisioning/datasources/datasources.yaml"] = _HEAD + _SOURCES_HEAD + write([data_sources()])
    contents["provisioning/dashboards/dashboards.yaml"] = _HEAD + _PROVIDERS_HEAD + write([providers()])
    contents["reader.sql"] = sql("reader")
    for name, content in contents.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, "utf-8")
    return found


def text_of(dashboard: dict[str, object]) -> str:
    """Return a dashboard as its file has it: the same for the same SLOs, so that a difference is a change."""
    return json.dumps(dashboard, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
