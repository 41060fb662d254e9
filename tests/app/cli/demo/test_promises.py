from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from app.cli.demo.promises import promises_table


def test_the_promises_fit_into_80_columns() -> None:
    out = io.StringIO()
    names = ("availability", "on-time-departures", "summary-latency")
    slos: list[dict[str, Any]] = [
        {"name": name, "target": 0.999, "sli": 0.98765, "bad": 2_345, "total": 27_004, "state": "LOW_TRAFFIC"}
        | {"budget": {"remaining_ratio": -12.5}}
        for name in names
    ]

    Console(file=out, width=80).print(promises_table(slos))

    assert "99.90 %" in out.getvalue()
    assert "-1,250 %" in out.getvalue()
    assert "…" not in out.getvalue()
    assert all(line.rstrip().endswith("LOW TRAFFIC") for line in out.getvalue().splitlines()[1:])
    assert all(name in out.getvalue() for name in names)
