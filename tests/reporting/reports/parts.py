"""Parts of reports made by hand: no store and no clock, and every figure beside the counts that it is of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from reporting.reports.model import BurnDown, Day, Definition, Kind, Period, Promise, Route, Spot, Standing, Tally

if TYPE_CHECKING:
    from datetime import date

ZONE = "Europe/Berlin"
OCTOBER = Period(
    kind=Kind.MONTHLY,
    name="2026-10",
    title="October 2026",
    timezone=ZONE,
    start=datetime(2026, 9, 30, 22, tzinfo=UTC),
    end=datetime(2026, 10, 31, 23, tzinfo=UTC),  # An hour more: daylight saving ended on the 25th.
    until=datetime(2026, 10, 31, 23, tzinfo=UTC),
)
WEEK_43 = Period(
    kind=Kind.WEEKLY,
    name="2026-W43",
    title="19\u201325 October 2026",
    timezone=ZONE,
    start=datetime(2026, 10, 18, 22, tzinfo=UTC),
    end=datetime(2026, 10, 25, 23, tzinfo=UTC),
    until=datetime(2026, 10, 22, 9, 30, tzinfo=UTC),
)


def tally(good: int, bad: int) -> Tally:
    total = good + bad
    return Tally(good=good, bad=bad, total=total, sli=Decimal(good) / Decimal(total) if total else None)


def ratio(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def dates(period: Period) -> list[date]:
    zone = ZoneInfo(period.timezone)
    first, last = period.start.astimezone(zone).date(), period.end.astimezone(zone).date()
    return [first + timedelta(days=number) for number in range((last - first).days)]


def spots(period: Period, values: list[str | None]) -> tuple[Spot, ...]:
    step = (period.end - period.start) / max(len(values) - 1, 1)
    return tuple(Spot(at=period.start + number * step, value=ratio(value)) for number, value in enumerate(values))


def trend(period: Period, slis: list[str | None]) -> tuple[Spot, ...]:
    back = timedelta(days=7 if period.kind is Kind.WEEKLY else 30)
    first = period.start - back * (len(slis) - 1)
    return tuple(Spot(at=first + back * number, value=ratio(sli)) for number, sli in enumerate(slis))


def promise(
    slo: str,
    name: str,
    target: str,
    counted: Tally,
    *,
    previous: Tally | None = None,
    period: Period = OCTOBER,
    service: str = "checkout",
    sentence: str = "",
    owner: str = "Payments",
    unit: str = "requests",
    slis: list[str | None] | None = None,
    percentiles: tuple[str, str, str] | None = None,
    with_maintenance: Tally | None = None,
    standing: Standing | None = None,
    target_changed: bool = False,
    restated: bool = False,
) -> Promise:
    aim = Decimal(target)
    allowed = (1 - aim) * counted.total if counted.total else None
    consumed = Decimal(counted.bad) if counted.total else None
    if standing is None:
        standing = Standing.NO_DATA if counted.sli is None else Standing.KEPT if counted.sli >= aim else Standing.MISSED
    p50, p95, p99 = percentiles or (None, None, None)
    return Promise(
        slo=slo,
        name=name,
        service=service,
        sentence=sentence or f"{aim * 100:f} % of requests succeed",
        owner=owner,
        target=aim,
        target_changed=target_changed,
        unit=unit,
        budgeting_method="Timeslices" if unit == "minutes" else "Occurrences",
        standing=standing,
        tally=counted,
        with_maintenance=with_maintenance or counted,
        allowed=allowed,
        consumed=consumed,
        remaining=None if allowed is None or consumed is None else allowed - consumed,
        remaining_ratio=None if not allowed or consumed is None else (allowed - consumed) / allowed,
        previous=previous,
        change=None if previous is None or previous.sli is None or counted.sli is None else counted.sli - previous.sli,
        trend=trend(period, slis or [None, None, None, None, None, None if counted.sli is None else str(counted.sli)]),
        p50_ms=ratio(p50),
        p95_ms=ratio(p95),
        p99_ms=ratio(p99),
        restated=restated,
    )


def burn_down(of: Promise, period: Period, values: list[str | None], *pins: str) -> BurnDown:
    return BurnDown(slo=of.slo, name=of.name, line=spots(period, values), pins=pins)


def route(method: str, path: str, counted: Tally, percentiles: tuple[str, str, str] | None, limited: int = 0) -> Route:
    p50, p95, p99 = percentiles or (None, None, None)
    return Route(
        service="checkout",
        method=method,
        route=path,
        requests=counted,
        limited=limited,
        p50_ms=ratio(p50),
        p95_ms=ratio(p95),
        p99_ms=ratio(p99),
        previous_sli=None if counted.sli is None else Decimal("0.99961"),
        previous_p99_ms=None if p99 is None else Decimal(p99) * Decimal("1.04"),
    )


def day(
    of: date,
    counted: Tally,
    standing: Standing,
    *,
    limited: int = 0,
    p99: str | None = None,
    incidents: int = 0,
    maintenance: int = 0,
) -> Day:
    return Day(
        day=of,
        requests=counted,
        limited=limited,
        standing=standing,
        busiest_minute=counted.total // 610,
        p99_ms=ratio(p99),
        incidents=incidents,
        maintenance_minutes=maintenance,
    )


def definition(of: Promise) -> Definition:
    latency = of.slo.endswith("latency")
    return Definition(
        slo=of.slo,
        good="requests answered without 5xx within the limit" if latency else "requests answered without 5xx",
        total="all requests but those answered 429",
        target=of.target,
        window="calendar month",
        budgeting_method=of.budgeting_method,
        description=f"What the team of {of.owner} has agreed with product management.",
    )
