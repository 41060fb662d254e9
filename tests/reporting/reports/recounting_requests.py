"""The recount's requests: their routes, days, reasons and tiers, in plain Python as well."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tests.reporting.reports.recounting import (
    days,
    measured,
    outside,
    rank,
    ratio,
    spans_back,
    standing,
    tally,
    within,
)

if TYPE_CHECKING:
    from datetime import datetime

    from tests.reporting.reports.recounting import Rule, Sent, Span

MINUTE = timedelta(minutes=1)


def requests(sent: list[Sent]) -> dict[str, Any]:
    """All of them together."""
    total, bad = sum(each.count for each in sent), sum(each.count for each in sent if each.status >= 500)
    durations = [(each.us, each.count) for each in sent if each.us is not None]
    return {
        "requests": tally(total - bad, total),
        "limited": sum(each.count for each in sent if each.status == 429),
        **{f"p{number}_ms": rank(durations, Fraction(number, 100)) for number in (50, 95, 99)},
    }


def routes(sent: list[Sent], before: list[Sent]) -> list[dict[str, Any]]:
    found = []
    for key in {(each.service, each.method, each.route) for each in sent}:
        mine, then = (
            [each for each in some if (each.service, each.method, each.route) == key] for some in (sent, before)
        )
        earlier = requests(then)
        found.append(
            {
                "service": key[0],
                "method": key[1],
                "route": key[2],
                **requests(mine),
                "previous_sli": earlier["requests"]["sli"],
                "previous_p99_ms": earlier["p99_ms"],
            }
        )
    return sorted(found, key=lambda each: (each["service"], -each["requests"]["total"], each["route"], each["method"]))


def calendar(
    sent: list[Sent], rules: list[tuple[Rule, list[Sent]]], excluded: list[Span], name: str, zone: str, now: datetime
) -> list[dict[str, Any]]:
    """Every day: its requests, and how the worst promise came out on it."""
    end = spans_back(name, zone, 1)[0][1]
    order = ("missed", "kept", "low-traffic", "no-data")
    left = [(rule, outside(some, excluded)) for rule, some in rules]
    found = []
    for day, since, to in days(name, zone, min(end, now)):
        all_of = requests(within(sent, since, to))
        quarters = Counter[int]()
        for each in within(sent, since, to):
            quarters[int(each.at.timestamp()) // 900] += each.count
        ways = [standing(measured(rule, some, since, to)) for rule, some in left]
        found.append(
            {
                "day": day.isoformat(),
                "requests": all_of["requests"],
                "limited": all_of["limited"],
                "p99_ms": all_of["p99_ms"],
                "standing": min(ways, key=order.index),
                "busiest_minute": max(quarters.values(), default=0) // 15,
                "maintenance_minutes": sum(_common(since, to, *span) for span in excluded),
            }
        )
    return found


def _common(start: datetime, end: datetime, since: datetime, to: datetime) -> int:
    return max(timedelta(0), min(end, to) - max(start, since)) // MINUTE


def reasons(sent: list[Sent]) -> list[dict[str, Any]]:
    counts = Counter[tuple[int, str]]()
    for each in sent:
        if each.status >= 500:
            counts[each.status, each.reason] += each.count
    return [
        {"status": status, "reason": reason, "bad": bad, "share": ratio(bad, counts.total())}
        for (status, reason), bad in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    ]


def tiers(sent: list[Sent]) -> list[dict[str, Any]]:
    found = []
    for tier in {each.tier for each in sent}:
        some = requests([each for each in sent if each.tier == tier])
        found.append({"tier": tier, "requests": some["requests"], "limited": some["limited"]})
    return sorted(found, key=lambda each: (-each["requests"]["total"], each["tier"]))


def contributors(sent: list[Sent]) -> list[dict[str, Any]]:
    """The three largest of every dimension, of an incident's bad requests."""
    bad = [each for each in sent if each.status >= 500]
    total = sum(each.count for each in bad)
    found = []
    for dimension, value_of in (
        ("route", lambda each: f"{each.method} {each.route}"),
        ("status", lambda each: str(each.status)),
        ("reason", lambda each: each.reason),
    ):
        counts = Counter[str]()
        for each in bad:
            counts[value_of(each)] += each.count
        top = sorted(((value, count) for value, count in counts.items() if value), key=lambda each: (-each[1], each[0]))
        found += [{"dimension": dimension, "value": v, "bad": n, "share": ratio(n, total)} for v, n in top[:3]]
    return found
