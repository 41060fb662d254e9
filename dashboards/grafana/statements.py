"""SQL for Grafana, in files of its own: `sql/*.sql`, with Grafana's macros and variables in it.

Nothing here runs it. A line `-- include: name` stands for what several statements have in common.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PART = re.compile(r"^ *-- include: (\w+)\n", re.MULTILINE)


def sql(name: str, parts: Mapping[str, str] | None = None) -> str:
    """Return a statement, with the parts that it includes: those that are given, and files."""
    known = parts or {}
    text = files("dashboards.grafana").joinpath("sql", f"{name}.sql").read_text("utf-8")
    return _PART.sub(lambda found: known.get(found[1]) or sql(found[1], known), text)
