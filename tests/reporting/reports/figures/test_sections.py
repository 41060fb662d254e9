"""Sections that are made of rows: reasons, tiers, contributors, incidents' minutes, completeness, accounts, maintenance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from reporting.alerts.incident import Incident, Source
from reporting.maintenance.maintenance import Maintenance
from reporting.reports.figures.accounts import first_and_rest
from reporting.reports.figures.completeness import Waiting, balance, gap_minutes, of_account
from reporting.reports.figures.completeness_store import Outcomes
from reporting.reports.figures.incidents import Harm, contributors, incident_of, minutes_hurt, span_of
from reporting.reports.figures.maintenance import merged, occurrences
from reporting.reports.figures.requests import MOST_REASONS, Group, reasons, tiers
from reporting.reports.figures.requests_store import Kind, Quarter
from reporting.reports.model import Account
from reporting.slo.burn_rate_alert import AlertSeverity
from reporting.slo.windows import minute_of

START = datetime(2026, 10, 1, tzinfo=UTC)
END = datetime(2026, 11, 1, tzinfo=UTC)


def kind(status: int = 503, reason: str = "timeout", route: str = "/pay", tier: str = "") -> Kind:
    return Kind("checkout", route, "POST", tier, status, reason)


def group(kind: Kind, requests: int) -> tuple[Kind, Group]:
    made = Group()
    made.add(kind.status, requests)
    return kind, made


def incident(begun: float, lasted: float | None, **fields: object) -> Incident:
    """Return one that began so many minutes after `START`."""
    started = START + timedelta(minutes=begun)
    values: dict[str, object] = {
        "incident_id": f"inc-{begun}",
        "service": "slipstream",
        "severity": AlertSeverity.PAGE,
        "source": Source.ALERTS,
        "title": "It burns",
        "started_at": started,
        "detected_at": started + timedelta(seconds=90),
        "updated_at": started,
        "resolved_at": None if lasted is None else started + timedelta(minutes=lasted),
    }
    return Incident(**values | fields)  # type: ignore[arg-type] - The fields are those above.


def test_reasons_are_of_bad_requests_alone_and_the_rest_is_one_more() -> None:
    many = dict(group(kind(reason=f"r{number:02}"), 100 - number) for number in range(MOST_REASONS + 3))
    found = reasons(many | dict([group(kind(status=429), 7), group(kind(status=200, reason=""), 5)]))

    assert [(each.status, each.reason, each.bad) for each in found[-2:]] == [
        (503, "r11", 89),
        (0, "__other__", 88 + 87 + 86),
    ]
    assert sum(each.share for each in found) == pytest.approx(1)
    assert len(found) == MOST_REASONS + 1


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        (503, "circuit-open", "Too many of this account's requests were bad"),
        (599, "process-died", "The process died before it had answered"),
        (503, "", "Service Unavailable"),
        (502, "upstream-reset", "Bad Gateway: upstream reset"),
        (599, "", "Status 599"),
    ],
)
def test_a_reason_is_a_sentence(status: int, reason: str, said: str) -> None:
    (found,) = reasons(dict([group(kind(status, reason), 1)]))

    assert found.sentence == said


def test_tiers_are_ordered_by_volume() -> None:
    found = tiers(
        dict([group(kind(200, tier="free"), 3), group(kind(429, tier="gold"), 9), group(kind(500, tier="gold"), 1)])
    )

    assert [(each.tier, each.requests.total, each.requests.bad, each.limited) for each in found] == [
        ("gold", 10, 1, 9),
        ("free", 3, 0, 0),
    ]


def test_contributors_are_the_largest_of_each_dimension() -> None:
    kinds = {kind(route=f"/{name}"): count for name, count in zip("abcd", (5, 3, 1, 1), strict=True)}
    kinds |= {kind(500, ""): 10, kind(200, ""): 1_000}

    found = [(each.dimension, each.value, each.bad) for each in contributors(kinds, {"acme": 4, "bolt": 4})]

    assert found == [
        ("route", "POST /pay", 10),
        ("route", "POST /a", 5),
        ("route", "POST /b", 3),
        ("status", "500", 10),
        ("status", "503", 10),
        ("account", "acme", 4),
        ("account", "bolt", 4),
        ("reason", "timeout", 10),
    ]
    assert contributors({kind(200, ""): 5}, {}) == ()


def test_minutes_of_incidents_at_the_same_time_count_once_and_only_those_of_the_period() -> None:
    found = [incident(-30, 60), incident(20, 30), incident(100.5, 0.5), incident(44_600, None)]

    assert minutes_hurt(found, START, END) == 50 + 40
    assert minutes_hurt([], START, END) == 0


def test_an_incident_has_the_minutes_it_began_and_ended_in() -> None:
    start, end = minute_of(START), minute_of(END)

    assert span_of(incident(10, 31), start, end) == (start + 10, start + 41)
    assert span_of(incident(10.5, 31), start, end) == (start + 10, start + 42)
    assert span_of(incident(-10, None), start, end) == (start, end)


def test_an_incident_that_people_wrote_down_has_no_time_of_detection() -> None:
    harm = Harm({kind(): 4, kind(200): 6}, {"acme": 3}, ("availability", Decimal("0.5")))
    ours = incident_of(incident(0, 31), harm, start=START, until=END, knows_accounts=True)
    theirs = incident_of(
        incident(0, 31, source=Source.PEOPLE, service="checkout", root_cause=" A leak. "),
        harm,
        start=START,
        until=END,
        knows_accounts=True,
    )

    assert (ours.seconds_to_detect, ours.seconds_to_resolve, ours.seconds_to_acknowledge) == (90, 31 * 60, None)
    assert (ours.requests_bad, ours.requests_total, ours.accounts_hurt, ours.minutes) == (4, 10, 1, 31)
    assert ours.contributors
    assert (theirs.seconds_to_detect, theirs.accounts_hurt) == (None, None)
    assert (theirs.root_cause, theirs.contributors) == ("A leak.", ())


KNOWN = Outcomes(stored=90, duplicates=5, dead=2, late=1)


@pytest.mark.parametrize(
    ("accepted", "waiting", "in_flight", "balanced"),
    [
        (97, Waiting(0, None), 0, True),
        (98, Waiting(0, None), 0, False),
        (97, Waiting(40, END), 0, True),  # What waits was accepted later.
        (96, Waiting(40, END), 0, False),
        (100, Waiting(40, START), 3, True),
        (140, Waiting(40, START), 43, False),
        (100, None, 3, None),
    ],
)
def test_what_was_accepted_is_accounted_for_or_the_report_says_that_it_is_not(
    accepted: int, waiting: Waiting | None, in_flight: int, balanced: bool | None
) -> None:
    found = balance(accepted, KNOWN, waiting, END, over=True, gap_minutes=15)

    assert (found.in_flight, found.balanced, found.gap_minutes, found.late) == (in_flight, balanced, 15, 1)
    assert of_account(KNOWN, gap_minutes=0).accepted == 97
    assert of_account(KNOWN, gap_minutes=0).balanced is None


@pytest.mark.parametrize(
    ("accepted", "waiting", "balanced"),
    [
        (97, Waiting(0, None), True),
        (98, Waiting(0, None), None),
        (100, Waiting(40, START), True),
        (140, Waiting(40, START), None),
    ],
)
def test_while_events_come_in_a_difference_proves_nothing(
    accepted: int, waiting: Waiting, balanced: bool | None
) -> None:
    found = balance(accepted, KNOWN, waiting, END, over=False, gap_minutes=0)

    assert (found.in_flight, found.balanced) == (accepted - 97, balanced)


def test_gaps_are_whole_quarters_of_an_hour_without_requests() -> None:
    start = minute_of(START)
    quarters = [Quarter(start, 1, 0, 0), Quarter(start + 30, 2, 0, 0)]

    assert gap_minutes(quarters, (start, start + 60)) == 30
    assert gap_minutes(quarters, (start + 20, start + 59)) == 0
    assert gap_minutes([], (start, start + 44)) == 30


def account(name: str, events: int) -> Account:
    return Account(
        account_id=name, name=name, tier="free", requests=10, events=events, share=Decimal(events) / 100, bad=1, limited=2,
        refused=3, breaker_opened=4, quota_notices=5,
    )  # fmt: skip


def test_accounts_beyond_the_first_are_one() -> None:
    found = [account(name, events) for name, events in (("a", 70), ("b", 20), ("c", 10))]

    first, rest = first_and_rest(found, most=1)

    assert [each.account_id for each in first] == ["a"]
    assert rest is not None
    assert (rest.name, rest.events, rest.share, rest.requests, rest.breaker_opened) == (
        "2 others",
        30,
        Decimal("0.3"),
        20,
        8,
    )
    assert first_and_rest(found) == (tuple(found), None)


def test_maintenance_is_listed_each_time_and_merged_for_days() -> None:
    def window(service: str | None, begun: int, lasted: int, rrule: str | None = None) -> Maintenance:
        starts = START + timedelta(minutes=begun)
        return Maintenance(
            service=service, starts_at=starts, ends_at=starts + timedelta(minutes=lasted), rrule=rrule, timezone="UTC",
            author="Ada", reason="Upgrade", created_at=START, maintenance_id=f"m-{begun}",
        )  # fmt: skip

    windows = [window("checkout", 60, 30, "FREQ=WEEKLY"), window(None, 80, 30), window("other", 0, 10)]
    span = minute_of(START), minute_of(END)

    found = occurrences(windows, span, "checkout")

    assert [each.start - span[0] for each in found] == [60, 80, *(60 + week * 10_080 for week in range(1, 5))]
    assert [(start - span[0], end - span[0]) for start, end in merged(found)][:2] == [(60, 110), (10_140, 10_170)]
    assert len(occurrences(windows, span, None)) == len(found) + 1
