"""A report in which every word from outside was written by somebody who means harm, and one as large as they come."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from msgspec.structs import replace

from reporting.reports.model import Report
from tests.reporting.reports.sample import accounts
from tests.reporting.reports.troubles import bad_month, incident

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></svg><svg onload=alert(1)>",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    "name\r\nBcc: everybody@example.com",
    "{{ 7 * 7 }}{% raw %}",
    "<link rel=attachment href=file:///etc/passwd>",
    "url(https://evil.example/x.css) @import 'https://evil.example'",
    "javascript:alert(1)",
    "\u202egnp.exe\u202c \u200f\u05e9\u05dc\u05d5\u05dd\u200e",
    "n\u0000ul \x1b[31mred\x07 \ud7ff",
    "x" * 300,
    "word " * 60,
    "&lt;b&gt; &amp; 'quotes' \"double\" ]]> <!-- -->",
    "名前 🙂 ﷽",
)
FREE_TEXT = frozenset({
    "title", "name", "sentence", "owner", "route", "reason", "value", "root_cause", "text", "author", "description", "good",
    "total", "by", "service", "because", "acknowledged_by", "account_id", "tier", "method", "slo", "budget_slo",
})  # fmt: skip
"""Fields that hold words of people or names of things; numbers, times and closed sets are decoded as such."""


def hostile_month() -> Report:
    """The bad month with all its words exchanged; what was equal stays equal, so that pins and names still meet."""
    turns: dict[str, str] = {}

    def rewrite(value: object, field: str = "") -> object:
        if isinstance(value, dict):
            # The `value` of a contributor is a name, that of a point a number.
            return {
                key: rewrite(inner, "" if key == "value" and "at" in value else key) for key, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [rewrite(inner, field if field == "remarks" else "") for inner in value]
        if isinstance(value, str) and field in FREE_TEXT | {"remarks"}:
            return turns.setdefault(
                value, HOSTILE[len(turns) % len(HOSTILE)] + (f" {len(turns)}" if len(turns) >= len(HOSTILE) else "")
            )
        return value

    plain = msgspec.to_builtins(bad_month())
    period = plain["period"]
    rewritten = {**{key: rewrite(value, key) for key, value in plain.items()}, "period": period}
    return msgspec.convert(rewritten, Report, strict=False)


def big_month() -> Report:
    """50 incidents, 6 routes, 3 tiers, 500 accounts, of which the first fifty have names."""
    month = bad_month()
    began = month.period.start + timedelta(hours=5)
    return replace(
        month,
        routes=(*month.routes, replace(month.routes[0], route="/search")),
        incidents=tuple(
            incident(f"inc-{number:02}", f"Checkout answers burns fast ({number})", began + timedelta(hours=13 * number), 20 + number * 3, bad=900 + number * 71, known=number % 3 > 0)
            for number in range(50)
        ),
        accounts=accounts(50),
    )  # fmt: skip
