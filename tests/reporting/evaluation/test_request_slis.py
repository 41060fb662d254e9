"""SLIs over requests are what a recount of the requests says: in every window, however they are added up, and late ones too."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from app.core.telemetry.rollups import Rollups
from reporting.slo.windows import instant_of, minute_of
from tests.reporting.evaluation.definitions import slo, together
from tests.reporting.evaluation.recount import Request, exact_quantile, recount, store

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from app.core.database import Database
    from app.slo_composition import SLOParts
    from reporting.evaluation.figures import Evaluation
    from reporting.maintenance.maintenance import Maintenance

# PostgreSQL's clock says what is late, so the requests are of now.
NOW = datetime.now(UTC).replace(second=20, microsecond=0)
END = minute_of(NOW) + 1
MONTH = 30 * 1_440
WINDOWS = {"5m": 5, "30m": 30, "1h": 60, "2h": 120, "6h": 360, "1d": 1_440, "3d": 4_320}
ROUTES = ("/events", "/accounts/{id}/summary", "/usage")
STATUSES = (200, 202, 304, 404, 429, 500, 503, 599)

Rule = tuple["Callable[[Request], bool]", "Callable[[Request], bool]"]


def is_timed(request: Request) -> bool:
    return request.duration_us is not None or request.died


def is_below(request: Request, limit_us: int) -> bool:
    return request.duration_us is not None and request.duration_us < limit_us


SLOS: dict[str, tuple[str, Rule]] = {
    "available": (
        slo("available", total={"service": "slipstream"}, good={"service": "slipstream", "status": "<500"}),
        (lambda _: True, lambda r: r.status < 500),
    ),
    "errors": (
        slo("errors", total={"service": "slipstream"}, bad={"service": "slipstream", "status": ["5xx", 429]}),
        (lambda _: True, lambda r: not (500 <= r.status < 600 or r.status == 429)),
    ),
    "fast": (
        slo(
            "fast",
            total={"service": "slipstream", "route": "/events"},
            good={"service": "slipstream", "route": "/events", "duration_ms": "<200"},
        ),
        (lambda r: r.route == "/events" and is_timed(r), lambda r: is_below(r, 200_000)),
    ),
    "fast-and-right": (
        slo("fast-and-right", total={}, good={"status": "<500", "duration_ms": "<1.5"}),
        (is_timed, lambda r: r.status < 500 and r.duration_us is not None and r.duration_us < 1_500),
    ),
    "slow": (
        slo("slow", total={"tier": "free"}, bad={"tier": "free", "duration_ms": ">=90"}),
        (lambda r: r.tier == "free" and is_timed(r), lambda r: is_below(r, 90_000)),
    ),
    "acme": (
        slo("acme", total={"account_id": "acme"}, good={"account_id": "acme", "status": "<500"}),
        (lambda r: r.account == "acme", lambda r: r.status < 500),
    ),
}


def some_requests(seed: int, count: int, *, oldest: int, writer: str = "w1") -> list[Request]:
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        # As many of the last hours as of the month before them.
        back = chance.choice([chance.randrange(oldest), chance.randrange(min(oldest, 400))])
        status = chance.choice(STATUSES)
        died = status == 599 and chance.random() < 0.5
        known = not died and chance.random() < 0.9
        duration = int(10 ** chance.uniform(2, 6.5)) if known else None
        made.append(
            Request(
                minute=END - 1 - back,
                route=chance.choice(ROUTES),
                status=status if died or status != 599 or known else 200,
                duration_us=duration,
                method=chance.choice(("GET", "POST")),
                tier=chance.choice(("free", "standard", "")),
                account=chance.choice((None, "acme", "bolt")),
                writer=f"{writer}-{chance.randrange(3)}",
            )
        )
    return made


def check(evaluations: list[Evaluation], requests: list[Request]) -> None:
    assert {each.definition.name for each in evaluations} == SLOS.keys()
    for each in evaluations:
        total, good = SLOS[each.definition.name][1]
        month = recount(requests, (END - MONTH, END), total, good)
        assert (each.figures.counts.good, each.figures.counts.total) == month, each.definition.name
        for window, minutes in WINDOWS.items():
            good_in, total_in = recount(requests, (END - minutes, END), total, good)
            expected = None if not total_in else Decimal(total_in - good_in) / total_in * 100
            found = each.figures.burn_rates[window]
            assert (found is None) is (expected is None), (each.definition.name, window)
            assert found is None or abs(found - expected) < Decimal("1e-9"), (each.definition.name, window)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("added_up", [False, True], ids=["from minutes", "added up"])
def test_every_window_counts_what_was_requested(
    database: Database, parts: SLOParts, seed: int, *, added_up: bool
) -> None:
    requests = some_requests(seed, 1_500, oldest=MONTH + 2_000)
    store(database, requests)
    parts.catalogue.apply(together(*(text for text, _ in SLOS.values())), by="test", now=NOW)
    if added_up:
        Rollups(database).add_up(NOW)

    check(parts.evaluator.every(NOW), requests)
    check(parts.evaluator.every(NOW), requests)


@pytest.mark.parametrize("added_up", [False, True], ids=["from minutes", "added up"])
def test_late_requests_restate_the_past_that_was_remembered(
    database: Database, parts: SLOParts, *, added_up: bool
) -> None:
    rollups = Rollups(database)
    requests = some_requests(1, 800, oldest=MONTH)
    store(database, requests)
    parts.catalogue.apply(together(*(text for text, _ in SLOS.values())), by="test", now=NOW)
    rollups.add_up(NOW)
    check(parts.evaluator.every(NOW), requests)

    late = some_requests(2, 300, oldest=MONTH, writer="late")
    store(database, late)
    if added_up:
        # Somebody looks between the late write and its being added up, and must not remember what he sees.
        parts.evaluator.every(NOW)
        rollups.add_up(NOW)
    else:
        rollups.add_up(NOW)

    check(parts.evaluator.every(NOW), [*requests, *late])


def test_figures_follow_as_time_goes_on(database: Database, parts: SLOParts) -> None:
    requests = some_requests(3, 600, oldest=5_000)
    store(database, requests)
    text, (total, good) = SLOS["available"]
    parts.catalogue.apply(text, by="test", now=NOW)

    for later in (0, 1, 14, 15, 16, 200, 1_441):
        (each,) = parts.evaluator.every(NOW + timedelta(minutes=later))

        expected = recount(requests, (END + later - MONTH, END + later), total, good)
        assert (each.figures.counts.good, each.figures.counts.total) == expected
        day = recount(requests, (END + later - 1_440, END + later), total, good)
        rate = each.figures.burn_rates["1d"]
        assert (rate is None) is (day[1] == 0)
        assert rate is None or abs(rate - Decimal(day[1] - day[0]) / day[1] * 100) < Decimal("1e-9")


def test_an_evaluation_sees_one_moment_and_the_next_one_what_came_meanwhile(
    database: Database, parts: SLOParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(database, [Request(END - 1, "/events", 202, 1_000, writer="w1")])
    parts.catalogue.apply(SLOS["available"][0], by="test", now=NOW)
    read = parts.maintenance.read

    def read_while_others_store(connection: Connection) -> list[Maintenance]:
        store(database, [Request(END - 1, "/events", 202, 1_000, writer="w2")])
        return read(connection)

    with monkeypatch.context() as patched:
        patched.setattr(parts.maintenance, "read", read_while_others_store)
        (during,) = parts.evaluator.every(NOW)
    (after,) = parts.evaluator.every(NOW)

    assert (during.figures.counts.total, after.figures.counts.total) == (1, 2)


def test_percentiles_are_within_one_per_cent_of_the_exact_ones(database: Database, parts: SLOParts) -> None:
    requests = some_requests(4, 2_000, oldest=MONTH)
    store(database, requests)
    parts.catalogue.apply(SLOS["available"][0], by="test", now=NOW)
    Rollups(database).add_up(NOW)

    ((_, found, including),) = parts.evaluator.every_shown(NOW)

    durations = [r.duration_us for r in requests if r.duration_us is not None]
    assert including == found
    assert found is not None
    for measured, ratio in ((found.p50, 0.5), (found.p95, 0.95), (found.p99, 0.99)):
        exact = exact_quantile(durations, ratio)
        assert abs(measured - exact) <= exact / 100


def test_requests_of_other_services_do_not_count(database: Database, parts: SLOParts) -> None:
    store(database, some_requests(5, 50, oldest=60))
    text = slo("other", total={"service": "checkout"}, good={"service": "checkout", "status": "<500"})
    parts.catalogue.apply(text, by="test", now=NOW)

    (each,) = parts.evaluator.every(NOW)

    assert each.figures.counts.total == 0
    assert each.figures.counts.sli is None
    assert each.figures.state == "NO_DATA"


@pytest.mark.parametrize("width", [1, 7, 60])
def test_slices_are_counted_as_a_recount_of_slices_says(database: Database, parts: SLOParts, width: int) -> None:
    requests = some_requests(6, 900, oldest=3_000)
    store(database, requests)
    text = slo(
        "slices",
        total={},
        good={"status": "<500"},
        method="Timeslices",
        window={"duration": "1d", "isRolling": True},
        timeSliceTarget=0.6,
        timeSliceWindow=f"{width}m",
    )
    parts.catalogue.apply(text, by="test", now=NOW)

    first = parts.evaluator.every(NOW)[0].figures.counts
    again = parts.evaluator.every(NOW + timedelta(seconds=5))[0].figures.counts

    slices: dict[int, list[bool]] = {}
    for request in requests:
        slices.setdefault(request.minute // width * width, []).append(request.status < 500)
    inside = {start: oks for start, oks in slices.items() if END - 1_440 <= start < END}
    good = sum(sum(oks) >= 0.6 * len(oks) - 1e-9 for oks in inside.values())
    assert (first.good, first.total) == (good, len(inside))
    assert again == first


def test_an_old_moment_has_its_old_target_and_its_old_minutes(database: Database, parts: SLOParts) -> None:
    requests = some_requests(7, 900, oldest=4_000)
    store(database, requests)
    text, (total, good) = SLOS["available"]
    then, change = NOW - timedelta(days=1), NOW - timedelta(hours=6)
    parts.catalogue.apply(text, by="test", now=NOW - timedelta(days=2))
    parts.catalogue.apply(text.replace("target: 0.99", "target: 0.5"), by="test", now=change)

    old, new = parts.slos.one("available", then), parts.slos.one("available", NOW)

    assert old is not None
    assert new is not None
    assert (old.target, new.target) == (0.99, 0.5)
    assert (old.good, old.total) == recount(requests, (END - 1_440 - MONTH, END - 1_440), total, good)
    before = recount(requests, (END - MONTH, minute_of(change)), total, good)[1]
    after = recount(requests, (minute_of(change), END), total, good)[1]
    assert new.budget is not None
    assert new.budget.allowed == pytest.approx(before * 0.01 + after * 0.5)
    assert instant_of(END) == new.period_end
