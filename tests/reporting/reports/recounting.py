"""A slow recount of a report, out of the list of what was sent: plain Python, with nothing of the product's in it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

DAY = timedelta(days=1)
PARTS = 10**12
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Sent:
    """One thing that happened, or `count` that were alike: a request, or an event (with a delay in its payload)."""

    at: datetime
    service: str = ""
    route: str = ""
    method: str = ""
    status: int = 0
    us: int | None = None
    tier: str = ""
    reason: str = ""
    count: int = 1
    delay: int = 0


@dataclass(frozen=True)
class Rule:
    """A promise: what is in its total, and what of that is good; targets by when they came into force."""

    name: str
    total: Callable[[Sent], bool]
    good: Callable[[Sent], bool]
    targets: tuple[tuple[datetime | None, Fraction], ...]
    unit: str = "requests"
    width: int = 0  # minutes of a slice; 0 is no slices
    slice_target: Fraction | None = None  # None: slices count in part


@dataclass(frozen=True)
class Amount:
    good: Fraction = Fraction(0)
    total: int = 0
    allowed: Fraction = Fraction(0)

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.good + other.good, self.total + other.total, self.allowed + other.allowed)

    @property
    def bad(self) -> Fraction:
        return self.total - self.good


def decimal(value: Fraction | int) -> Decimal:
    found = Fraction(value)
    return Context(prec=28).divide(Decimal(found.numerator), Decimal(found.denominator))


def ratio(part: Fraction | int, whole: Fraction | int) -> Decimal | None:
    return decimal(Fraction(part) / whole) if whole else None


def tally(good: int, total: int, sli: Decimal | None = None) -> dict[str, Any]:
    return {"good": good, "bad": total - good, "total": total, "sli": sli if sli is not None else ratio(good, total)}


def midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def edges(name: str) -> tuple[date, date]:
    """The first day of a month or week, and of the one behind it."""
    if "W" in name:
        year, week = name.split("-W")
        first = date.fromisocalendar(int(year), int(week), 1)
        return first, first + timedelta(days=7)
    year, month = map(int, name.split("-"))
    return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)


def spans_back(name: str, zone: str, count: int) -> list[Span]:
    """The spans of a period and so many before it, latest first."""
    first, after = edges(name)
    found = []
    for _ in range(count):
        found.append((midnight(first, zone), midnight(after, zone)))
        after = first
        first = first - timedelta(days=7) if "W" in name else (first - timedelta(days=1)).replace(day=1)
    return found


def days(name: str, zone: str, until: datetime) -> list[tuple[date, datetime, datetime]]:
    first, after = edges(name)
    numbers = range((after - first).days)
    found = [
        (day, midnight(day, zone), midnight(day + timedelta(days=1), zone))
        for day in (first + n * DAY for n in numbers)
    ]
    return [(day, start, min(end, until)) for day, start, end in found if start < until]


def rank(durations: Iterable[tuple[int, int]], part: Fraction) -> Decimal | None:
    """The nearest rank, in milliseconds."""
    ordered = sorted(durations)
    wanted, seen = ceil(part * sum(count for _, count in ordered)), 0
    for us, count in ordered:
        seen += count
        if seen >= wanted > 0:
            return Decimal(us) / 1_000
    return None


def within(sent: Iterable[Sent], start: datetime, end: datetime) -> list[Sent]:
    return [each for each in sent if start <= each.at < end]


def outside(sent: Iterable[Sent], excluded: Iterable[Span]) -> list[Sent]:
    spans = list(excluded)
    return [each for each in sent if not any(start <= each.at < end for start, end in spans)]


def measured(rule: Rule, sent: Iterable[Sent], start: datetime, end: datetime) -> Amount:
    """What a promise comes to; each thing by the target of its time."""
    found = Amount()
    for (since, target), until in zip(rule.targets, [*(at for at, _ in rule.targets[1:]), None], strict=True):
        low = start if since is None else max(start, since.replace(second=0))
        high = end if until is None else min(end, until.replace(second=0))
        good, total = _parts(rule, sent, low, high)
        found += Amount(good, total, total * (1 - target))
    return found


def _parts(rule: Rule, sent: Iterable[Sent], start: datetime, end: datetime) -> tuple[Fraction, int]:
    counted = [each for each in sent if rule.total(each)]
    if not rule.width:
        some = within(counted, start, end)
        return Fraction(sum(each.count for each in some if rule.good(each))), sum(each.count for each in some)
    slices: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for each in counted:
        number = int(each.at.timestamp()) // 60 // rule.width
        begins = datetime.fromtimestamp(number * rule.width * 60, UTC)
        if start <= begins < end:
            slices[number][0] += each.count if rule.good(each) else 0
            slices[number][1] += each.count
    good = Fraction(0)
    for right, of in slices.values():
        if rule.slice_target is None:
            good += Fraction(right * PARTS // of, PARTS)
        else:
            good += Fraction(right, of) >= rule.slice_target
    return good, len(slices)


def standing(amount: Amount) -> str:
    """Kept or missed, where Wilson's interval leaves no doubt that there was enough to tell."""
    if not amount.total:
        return "no-data"
    limit, z = amount.allowed / amount.total, 1.96
    n, p = amount.total, float(amount.bad / amount.total)
    if z * z / (n + z * z) >= float(limit):
        low = (p + z * z / (2 * n) - z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)
        if amount.bad < 3 or low <= float(limit):
            return "low-traffic"
    return "kept" if amount.bad <= amount.allowed else "missed"


def promise(rule: Rule, sent: list[Sent], excluded: list[Span], name: str, zone: str, now: datetime) -> dict[str, Any]:
    """Every figure of a promise."""
    back = spans_back(name, zone, 6)
    (start, end), before = back[0], back[1:2] if rule.width else back[1:]
    until = min(end, now)
    left = outside(sent, excluded)
    amounts = [measured(rule, left, *span) for span in before]
    now_amount = measured(rule, left, start, until)
    width = rule.width or 1
    allowed, consumed = now_amount.allowed * width, now_amount.bad * width

    def shown(amount: Amount) -> dict[str, Any]:
        return tally(int(amount.good * width), amount.total * width, ratio(amount.good, amount.total))

    sli, previous = ratio(now_amount.good, now_amount.total), ratio(amounts[0].good, amounts[0].total)
    trend = [(span[0], ratio(each.good, each.total)) for span, each in zip(before, amounts, strict=True)][::-1]
    while trend and trend[0][1] is None:
        del trend[0]
    durations = [
        (each.us, each.count) for each in within(left, start, until) if rule.total(each) and each.us is not None
    ]
    known = bool(now_amount.total)
    return {
        "slo": rule.name,
        "unit": "minutes" if rule.width else rule.unit,
        "standing": standing(now_amount),
        "target": decimal(next(target for at, target in reversed(rule.targets) if at is None or at < until)),
        "tally": shown(now_amount),
        "with_maintenance": shown(measured(rule, sent, start, until)),
        "allowed": decimal(allowed) if known else None,
        "consumed": decimal(consumed) if known else None,
        "remaining": decimal(allowed - consumed) if known else None,
        "remaining_ratio": ratio(allowed - consumed, allowed),
        "previous": shown(amounts[0]) if previous is not None else None,
        "change": None if sli is None or previous is None else sli - previous,
        "trend": [{"at": at, "value": value} for at, value in [*trend, (start, sli)]],
        **{f"p{number}_ms": rank(durations, Fraction(number, 100)) for number in (50, 95, 99)},
    }


def burn_down(
    rule: Rule, sent: list[Sent], excluded: list[Span], name: str, zone: str, now: datetime
) -> list[dict[str, Any]]:
    """What was left at the end of every day of a month, or hour of a week; nothing of days without data."""
    start, end = spans_back(name, zone, 1)[0]
    until = min(end, now)
    left = outside(sent, excluded)
    allowed = measured(rule, left, start, until).allowed
    line: list[dict[str, Any]] = [{"at": start, "value": Decimal(1)}]
    used = Fraction(0)
    for _, since, to in days(name, zone, until):
        silent = not measured(rule, left, since, to).total
        for low, high in _steps(since, to, hourly="W" in name):
            used += measured(rule, left, low, high).bad
            line.append({"at": high, "value": None if silent else ratio(allowed - used, allowed)})
    return line


def _steps(start: datetime, end: datetime, *, hourly: bool) -> Iterator[Span]:
    while start < end:
        high = min(end, start + timedelta(hours=1)) if hourly else end
        yield start, high
        start = high
