from __future__ import annotations

import io

from rich.console import Console

from app.cli.demo.flights import AIRLINES
from app.cli.demo.summaries import summaries_table


def test_the_summaries_fit_into_80_columns() -> None:
    out = io.StringIO()
    rows = [(name, "27,004", "27,004", "27,004", "23 Oct 17:06", "22 Nov 09:59") for name in AIRLINES.values()]

    Console(file=out, width=80).print(summaries_table(rows))

    assert "…" not in out.getvalue()
    for row in rows:
        assert row[0] in out.getvalue()
    assert out.getvalue().count("22 Nov 09:59") == len(rows)
