"""A report says what a recount of everything that was sent says: the recount shares no code and no SQL with the product.

One world is made: telemetry through POST /telemetry, events through POST /events and a worker, maintenance and incidents
through their routes. Then every report of it is counted again. Durations are below a millisecond, where a bucket is one
microsecond wide, so that percentiles are exact.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import text

from app.core.settings import Settings
from app.core.telemetry.rollups import Rollups
from reporting.reports.figures.periods import read_period
from reporting.reports.model import Scope
from tests.app.worker_process import WorkerProcess
from tests.reporting.evaluation.definitions import slo, together
from tests.reporting.reports import recounting, recounting_requests
from tests.reporting.reports.recounting import Rule, measured, outside, ratio, within
from tests.reporting.reports.sent import (
    ADDED_UP,
    ALL,
    CASES,
    CHANGE,
    EXCLUDED,
    FIRST,
    INCIDENTS,
    NOW,
    ONCE,
    SERVICE,
    WEEKLY,
    sent_events,
    sent_requests,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.composition import Api
    from app.core.database import Database
    from app.slo_composition import SLOParts
    from tests.conftest import World
    from tests.reporting.reports.recounting import Sent

# A place where it is not about midnight: what happens now is all in one day.
HERE = "UTC" if 1 <= NOW.hour < 23 else "Asia/Kathmandu"
AVAILABLE = Rule(
    "available", lambda _: True, lambda r: r.status < 500, ((None, Fraction(99, 100)), (CHANGE, Fraction(95, 100)))
)
RULES = (
    AVAILABLE,
    Rule("quick", lambda r: r.route == "/pay" and r.us is not None, lambda r: r.us < 300, ((None, Fraction(9, 10)),)),
    Rule("polite", lambda _: True, lambda r: r.status < 500 and r.status != 429, ((None, Fraction(97, 100)),)),
    Rule(
        "slices",
        lambda _: True,
        lambda r: r.status < 500,
        ((None, Fraction(9, 10)),),
        width=5,
        slice_target=Fraction(4, 5),
    ),
    Rule("parts", lambda r: r.us is not None, lambda r: r.us < 400, ((None, Fraction(1, 2)),), width=60),
)
ON_TIME = Rule("on-time", lambda _: True, lambda e: e.delay < 15, ((None, Fraction(8, 10)),), unit="events")
DEFINITIONS = together(
    slo("available", total=ALL, good=ALL | {"status": "<500"}, service=SERVICE, alerts=False),
    slo("quick", total=ALL | {"route": "/pay"}, good=ALL | {"route": "/pay", "duration_ms": "<0.3"}, service=SERVICE, target=0.9, alerts=False),
    slo("polite", total=ALL, bad=ALL | {"status": ["5xx", 429]}, service=SERVICE, target=0.97, alerts=False),
    slo("slices", total=ALL, good=ALL | {"status": "<500"}, service=SERVICE, target=0.9, alerts=False, method="Timeslices", timeSliceTarget=0.8, timeSliceWindow="5m"),
    slo("parts", total=ALL, good=ALL | {"duration_ms": "<0.4"}, service=SERVICE, target=0.5, alerts=False, method="RatioTimeslices", timeSliceWindow="60m"),
    slo("on-time", source="events", total={"type": "flight"}, good={"type": "flight", "payload.delay": "<15"}, service=SERVICE, target=0.8, alerts=False),
)  # fmt: skip


@pytest.fixture
def settings(database_url: str, valkey_url: str) -> Settings:
    """As everywhere, but nothing is too old."""
    return Settings(
        database_url=database_url,
        redis_url=valkey_url,
        admin_token="the-token-of-the-operator",
        event_retention_days=36_500,
    )


def send(api: Api, path: str, body: object, key: str) -> None:
    answer = api.app.test_client().post(path, json=body, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code in {201, 202}, answer.text


def send_requests(api: Api, requests: list[Sent], key: str) -> None:
    records = [
        {
            "timestamp": each.at.isoformat(),
            "route": each.route,
            "method": each.method,
            "status": each.status,
            "duration_ms": None if each.us is None else each.us / 1_000,
            "tier": each.tier,
            "reason": each.reason,
            "count": each.count,
        }
        for each in requests
    ]
    for start in range(0, len(records), 500):
        send(api, "/telemetry", {"service": SERVICE, "requests": records[start : start + 500]}, key)


def test_every_figure_is_what_a_recount_of_what_was_sent_says(
    api: Api,
    settings: Settings,
    world: World,
    database: Database,
    parts: SLOParts,
    tmp_path: Path,
    eventually: Callable[..., None],
) -> None:
    admin = settings.admin_token or ""
    parts.slos.apply(DEFINITIONS, by="test", now=FIRST)
    parts.slos.apply(DEFINITIONS.replace("target: 0.99\n", "target: 0.95\n"), by="test", now=CHANGE)
    for spans, rrule, zone in ((ONCE, None, "UTC"), (WEEKLY[0], "FREQ=WEEKLY;COUNT=8", "Europe/Berlin")):
        window = {"starts_at": spans[0].isoformat(), "ends_at": spans[1].isoformat(), "timezone": zone, "author": "Ada"}
        send(api, "/maintenance", window | {"reason": "Upgrade", "service": SERVICE, "rrule": rrule}, admin)
    for title, (start, end) in INCIDENTS.items():
        send(
            api,
            "/incidents",
            {"service": SERVICE, "title": title, "started_at": start.isoformat(), "resolved_at": end.isoformat()},
            admin,
        )
    requests, events = sent_requests(), sent_events()
    keys = {"acme": world.alice.key, "bolt": world.bob.key}
    for account, made in events.items():
        bodies = [
            {"event_id": name, "type": "flight", "timestamp": each.at.isoformat(), "payload": {"delay": each.delay}}
            for name, each in [*made, *made[:20]]  # The first are sent twice.
        ]
        for start in range(0, len(bodies), 400):
            send(api, "/events", {"events": bodies[start : start + 400]}, keys[account])
    worker = WorkerProcess(settings, tmp_path / "worker.log")
    try:
        worker.start().wait_ready()
        eventually(lambda: stored_by(database) == 790, timeout_s=120)
    finally:
        worker.close()
    old, new = ([each for each in requests if (each.at < FIRST) is leap] for leap in (True, False))
    send_requests(api, new, world.alice.key)
    Rollups(database).add_up(ADDED_UP)
    send_requests(api, old, world.alice.key)  # Late, and added up again.
    Rollups(database).add_up(ADDED_UP)

    flown = [each for made in events.values() for _, each in made]
    last = read_period("last-month", "Europe/Berlin", NOW).name
    for name, zone in {*CASES, (last, "Europe/Berlin"), (here().name, HERE)}:
        check(parts, name, zone, requests, flown)
    check_platform(parts, events)


def stored_by(database: Database) -> int:
    with database.begin() as connection:
        return int(connection.execute(text("SELECT coalesce(sum(stored), 0) FROM batch_outcomes")).scalar_one())


def here() -> Any:
    return read_period("this-month", HERE, NOW)


def check(parts: SLOParts, name: str, zone: str, requests: list[Sent], flown: list[Sent]) -> None:
    now = datetime.now(UTC)
    period = read_period(name, zone, now)
    report = json.loads(msgspec.json.encode(parts.compiler.compile(period, Scope(service=SERVICE), now)))
    until = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    (start, end), before = recounting.spans_back(name, zone, 2)
    some, then = within(requests, start, min(end, until)), within(requests, *before)
    rules = [*((rule, requests) for rule in RULES), (ON_TIME, flown)]
    expected = {rule.name: recounting.promise(rule, sent, EXCLUDED, name, zone, until) for rule, sent in rules}

    assert {each["slo"] for each in report["promises"]} == expected.keys()
    for promise in report["promises"]:
        same(promise, expected[promise["slo"]], f"{name} {promise['slo']}")
    by_name = {rule.name: (rule, sent) for rule, sent in rules}
    for line in report["burn_downs"]:
        rule, sent = by_name[line["slo"]]
        same(line["line"], recounting.burn_down(rule, sent, EXCLUDED, name, zone, until), f"{name} {rule.name} burns")
    judged = [each for each in expected.values() if each["standing"] in {"kept", "missed"}]
    kept = sum(each["standing"] == "kept" for each in judged)
    left = [each["remaining_ratio"] for each in judged]
    earlier = recounting_requests.requests(then)
    same(report["verdict"], {"kept": kept, "judged": len(judged)}, name)
    overview = recounting_requests.requests(some) | {
        "previous": earlier["requests"] if then else None,
        "previous_p99_ms": earlier["p99_ms"],
        "budget_remaining_ratio": min(left, default=None),
    }
    same(report["overview"], overview, f"{name} overview")
    same(report["routes"], recounting_requests.routes(some, then), f"{name} routes")
    same(report["days"], recounting_requests.calendar(requests, rules, EXCLUDED, name, zone, until), f"{name} days")
    same(report["reasons"], recounting_requests.reasons(some), f"{name} reasons")
    same(report["tiers"], recounting_requests.tiers(some), f"{name} tiers")
    spans = [
        (max(since, start), min(to, end, until))
        for since, to in sorted(EXCLUDED)
        if since < min(end, until) and to > start
    ]
    same(
        report["maintenance"],
        [
            {
                "starts_at": since,
                "ends_at": to,
                "excluded": recounting_requests.requests(within(requests, since, to))["requests"],
            }
            for since, to in spans
        ],
        f"{name} maintenance",
    )
    changes = [{"slo": "available", "at": CHANGE, "before": Decimal("0.99"), "after": Decimal("0.95")}]
    same(report["target_changes"], changes if start <= CHANGE < end else [], f"{name} changes")
    check_incidents(report, (start, min(end, until)), rules, expected, requests)


def check_incidents(report: Any, span: recounting.Span, rules: Any, promises: Any, requests: list[Sent]) -> None:
    expected = []
    for title, (start, end) in INCIDENTS.items():
        since, to = max(start, span[0]), min(end, span[1])
        if since < to:
            hurt = within(requests, since, to)
            shares = []
            for rule, sent in rules:
                bad = measured(rule, outside(sent, EXCLUDED), since, to).bad * (rule.width or 1)
                if bad:
                    shares.append((ratio(bad, 1) / promises[rule.name]["allowed"], rule.name))
            worst = min(shares, key=lambda each: (-each[0], each[1]))
            tally = recounting_requests.requests(hurt)["requests"]
            expected.append(
                {
                    "title": title,
                    "minutes": (to - since) // timedelta(minutes=1),
                    "requests_bad": tally["bad"],
                    "requests_total": tally["total"],
                    "accounts_hurt": None,
                    "budget_slo": worst[1],
                    "seconds_to_resolve": (end - start).seconds,
                    "contributors": recounting_requests.contributors(hurt),
                }
            )
    same(report["incidents"], expected, "incidents")
    assert report["overview"]["incidents"] == len(expected)
    assert report["overview"]["incident_minutes"] == sum(each["minutes"] for each in expected)


def check_platform(parts: SLOParts, events: dict[str, list[tuple[str, Sent]]]) -> None:
    """Completeness and accounts, which are the platform's own."""
    now = datetime.now(UTC)
    period = read_period("this-month", HERE, now)
    report = json.loads(msgspec.json.encode(parts.compiler.compile(period, Scope(), now)))
    flown = {account: len(within([each for _, each in made], period.start, now)) for account, made in events.items()}
    accounts = [
        {"account_id": account, "events": count, "share": ratio(count, sum(flown.values()))}
        for account, count in sorted(flown.items(), key=lambda each: -each[1])
        if count
    ]
    same(report["accounts"], accounts, "accounts")
    assert report["completeness"] | {"gap_minutes": 0} == {
        "accepted": 830, "stored": 790, "duplicates": 40, "dead": 0, "in_flight": 0, "balanced": True, "late": 0, "gap_minutes": 0,
    }  # fmt: skip


def same(found: Any, expected: Any, where: str) -> None:
    """Compare what is expected with what JSON says, number by number; of a mapping those fields that are expected."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            same(found[key], value, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), (where, found, expected)
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            same(one, other, f"{where}[{number}]")
    elif isinstance(expected, Decimal):
        assert found is not None, (where, expected)
        assert Decimal(found) == expected, (where, found, expected)
    elif isinstance(expected, datetime):
        assert datetime.fromisoformat(found) == expected, where
    else:
        assert found == expected, (where, found, expected)
