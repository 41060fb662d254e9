"""Reports as JSON, and the schema of it: `python -m reporting.reports.as_json docs/report.schema.json`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from reporting.reports.model import SCHEMA, Report


def to_json(report: Report) -> bytes:
    """Return a report as JSON for machines and people, the same bytes for the same report."""
    return msgspec.json.format(msgspec.json.encode(report, order="deterministic"), indent=2) + b"\n"


def from_json(text: bytes) -> Report:
    """Return the report of what `to_json` made; raises `msgspec.MsgspecError`."""
    return msgspec.json.decode(text, type=Report)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of reports."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA,
        "title": "Slipstream service report",
        **msgspec.json.schema(Report),
    }


def schema_text() -> bytes:
    """Return the schema as it is published."""
    return msgspec.json.format(msgspec.json.encode(json_schema(), order="deterministic"), indent=2) + b"\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(schema_text())
