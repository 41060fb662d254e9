"""What is sent to be recounted: requests and events, maintenance and incidents."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.reporting.reports import recounting
from tests.reporting.reports.recounting import Sent

NOW = datetime.now(UTC)
FIRST, CHANGE = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 10, 14, 9, 17, 30, tzinfo=UTC)
ADDED_UP = datetime(2026, 11, 1, tzinfo=UTC)
# Clocks change in October (Berlin) and March (New York), and by the end of the night in Chatham, which is 45 minutes off.
CASES = (
    ("2026-10", "Europe/Berlin"),
    ("2026-03", "America/New_York"),
    ("2026-04", "Pacific/Chatham"),
    ("2026-W44", "America/New_York"),
    ("2024-02", "UTC"),  # with a leap day
    ("2026-06", "UTC"),  # without anything
    ("2026-07", "Asia/Kathmandu"),  # with one request
)
ALL, SERVICE = {"service": "checkout"}, "checkout"
ONCE = (datetime(2026, 3, 8, 6, 30, tzinfo=UTC), datetime(2026, 3, 8, 7, 30, tzinfo=UTC))
BERLIN = ZoneInfo("Europe/Berlin")
WEEKLY = [
    (start.astimezone(UTC), start.astimezone(UTC) + timedelta(minutes=30))
    for start in (datetime(2026, 10, 6, 2, tzinfo=BERLIN) + timedelta(weeks=week) for week in range(8))
]
EXCLUDED = [ONCE, *WEEKLY]
INCIDENTS = {
    "Payments failed": (datetime(2026, 10, 13, 8, 12, tzinfo=UTC), datetime(2026, 10, 13, 8, 30, tzinfo=UTC)),
    "Over the end of a month": (datetime(2026, 10, 31, 22, 40, tzinfo=UTC), datetime(2026, 10, 31, 23, 25, tzinfo=UTC)),
}


def sent_requests() -> list[Sent]:
    """Requests near every edge, within maintenance and incidents, and in between."""
    chance = random.Random(20261122)
    moments = [
        start + (end - start) * chance.random() for start, end in (*EXCLUDED, *INCIDENTS.values()) for _ in range(25)
    ]
    for name, zone in CASES[:5]:
        for start, end in recounting.spans_back(name, zone, 2):
            near = [
                edge + timedelta(minutes=chance.randrange(-200, 200))
                for edge in (start, end, CHANGE)
                for _ in range(30)
            ]
            moments += [*near, *(start + (end - start) * chance.random() for _ in range(150))]
    moments = [
        at for at in moments if at < datetime(2026, 5, 1, 12, tzinfo=UTC) or at > datetime(2026, 8, 29, tzinfo=UTC)
    ]
    moments = [at for at in moments if at < ADDED_UP + timedelta(days=15)]
    made = [
        Sent(
            at=at,
            service=SERVICE,
            route=chance.choice(("/pay", "/cart")),
            method=chance.choice(("GET", "POST")),
            status=chance.choice((200,) * 60 + (201, 404, 429, 500, 503, 503)),
            us=chance.choice((None, *(chance.randrange(1, 999) for _ in range(9)))),
            tier=chance.choice(("", "free", "gold")),
            count=chance.randrange(1, 60),
        )
        for at in moments
    ]
    made += [Sent(datetime(2026, 7, 15, 4, tzinfo=UTC), SERVICE, "/pay", "GET", 200, 250, "free")]
    return [with_reason(each, chance) for each in made]


def with_reason(request: Sent, chance: random.Random) -> Sent:
    reason = chance.choice(("timeout", "database", "")) if request.status >= 500 else ""
    return Sent(
        request.at,
        request.service,
        request.route,
        request.method,
        request.status,
        request.us,
        request.tier,
        reason,
        request.count,
    )


def sent_events() -> dict[str, list[tuple[str, Sent]]]:
    """Events by account, with their ids, over the last weeks."""
    chance = random.Random(7)
    return {
        account: [
            (
                f"{account}-{number}",
                Sent(NOW - timedelta(minutes=chance.randrange(5, 50 * 1_440)), delay=chance.randrange(-5, 19)),
            )
            for number in range(count)
        ]
        for account, count in (("acme", 700), ("bolt", 90))
    }
