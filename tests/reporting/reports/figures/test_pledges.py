"""Which promises a report is about, and what was promised anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from app.core.telemetry.rollups import Rollups
from app.core.telemetry.thinning import RequestThinning
from reporting.reports.figures.periods import read_period
from reporting.reports.model import Scope, Standing
from reporting.slo.counts import ImpossibleCountsError
from reporting.slo.error_budget import error_budget
from reporting.slo.windows import minute_of
from tests.reporting.evaluation.definitions import slo
from tests.reporting.evaluation.recount import Request, store

if TYPE_CHECKING:
    import pytest

    from app.core.database import Database
    from app.slo_composition import SLOParts
    from reporting.reports.model import Promise, Report
    from reporting.slo.counts import Counts
    from reporting.slo.error_budget import ErrorBudget
    from reporting.slo.objective import Objective

NOW = datetime.now(UTC)
MONTH = read_period("last-month", "UTC", NOW)
ALL = {"service": "slipstream"}
TEXT = slo("available", total=ALL, good=ALL | {"status": "<500"}, alerts=False)
DAY = timedelta(days=1)


def compiled(parts: SLOParts, scope: Scope | None = None) -> Report:
    return parts.compiler.compile(MONTH, scope or Scope(), NOW)


def test_what_was_first_promised_later_measures_what_was_before(database: Database, parts: SLOParts) -> None:
    store(database, [Request(minute_of(MONTH.start) + 5, "/events", 200, 100)])
    parts.catalogue.apply(TEXT, by="test", now=NOW)

    report = compiled(parts)

    assert [each.tally.total for each in report.promises] == [1]
    assert report.target_changes == ()


def test_a_promise_that_was_removed_is_judged_until_then_and_later_no_more(database: Database, parts: SLOParts) -> None:
    removed = MONTH.start + 10 * DAY
    requests = [Request(minute_of(MONTH.start + day * DAY), "/events", 200, 100) for day in (1, 5, 11, 20)]
    store(database, requests)
    parts.catalogue.apply(TEXT, by="test", now=MONTH.start - DAY)
    parts.catalogue.remove("available", by="Ada", now=removed)

    report = compiled(parts)
    later = parts.compiler.compile(read_period("this-month", "UTC", NOW), Scope(), NOW)

    assert [each.tally.total for each in report.promises] == [2]
    assert [(each.before, each.after, each.by) for each in report.target_changes] == [(Decimal("0.99"), None, "Ada")]
    assert later.promises == ()


def test_what_was_removed_before_is_not_in_it_also_when_it_is_promised_again_later(parts: SLOParts) -> None:
    parts.catalogue.apply(TEXT, by="test", now=MONTH.start - 9 * DAY)
    parts.catalogue.remove("available", by="Ada", now=MONTH.start - 5 * DAY)
    parts.catalogue.apply(TEXT.replace("0.99", "0.9"), by="test", now=NOW)

    assert compiled(parts).promises == ()


def test_slices_of_which_some_minutes_are_gone_are_no_data(database: Database, parts: SLOParts) -> None:
    sliced = slo(
        "sliced",
        total=ALL,
        good=ALL | {"status": "<500"},
        method="Timeslices",
        timeSliceWindow="1h",
        timeSliceTarget=0.9,
        alerts=False,
    )
    made = [Request(minute_of(MONTH.start + day * DAY), "/events", 200, 100) for day in (-10, -1, 1, 10)]
    store(database, made)
    parts.catalogue.apply(sliced, by="test", now=NOW)
    Rollups(database).add_up(NOW)

    def promise(thinned_until: datetime) -> Promise:
        RequestThinning(database, minutes_kept=NOW - thinned_until, quarters_kept=1_000 * DAY).run(NOW)
        (found,) = compiled(parts).promises
        return found

    whole = promise(MONTH.start - 30 * DAY - 30 * DAY)
    assert (whole.tally.total, whole.previous and whole.previous.total, whole.note) == (120, 120, "")
    alone = promise(MONTH.start - 3 * DAY)
    assert (alone.tally, alone.standing, alone.note) == (whole.tally, whole.standing, "")
    assert (alone.previous, alone.change, len(alone.trend)) == (None, None, 1)
    none = promise(MONTH.start + 3 * DAY)
    assert (none.tally.total, none.standing, none.allowed, none.change) == (0, Standing.NO_DATA, None, None)
    assert "minutes" in none.note
    assert [spot.value for spot in none.trend] == [None]


def test_each_part_is_judged_by_the_target_of_its_time(database: Database, parts: SLOParts) -> None:
    changed = MONTH.start + 10 * DAY
    made = [
        Request(minute_of(MONTH.start + day * DAY), "/events", 500 if day == 3 else 200, 100) for day in (3, 4, 12, 13)
    ]
    store(database, made)
    parts.catalogue.apply(TEXT, by="test", now=MONTH.start - DAY)
    parts.catalogue.apply(TEXT.replace("target: 0.99", "target: 0.5"), by="Ada", now=changed)

    (promise,) = compiled(parts).promises

    assert (promise.target, promise.target_changed) == (Decimal("0.5"), True)
    assert (promise.allowed, promise.consumed) == (2 * Decimal("0.01") + 2 * Decimal("0.5"), 1)
    assert promise.standing is Standing.LOW_TRAFFIC


def test_promises_over_events_that_are_not_counted_yet_say_so(parts: SLOParts) -> None:
    events = slo("flown", source="events", total={"type": "a"}, good={"type": "a", "payload.x": 1}, alerts=False)
    parts.catalogue.apply(events, by="test", now=NOW)

    (promise,) = compiled(parts).promises

    assert promise.standing is Standing.NO_DATA
    assert promise.note == "Its events are still being counted."


def test_a_promise_that_names_another_account_or_tier_is_not_of_this_one(parts: SLOParts) -> None:
    for name in ("acme", "bolt"):
        mine = {"account_id": name}
        parts.catalogue.apply(slo(name, total=mine, good=mine | {"status": "<500"}, alerts=False), by="test", now=NOW)
    free = {"tier": ["free", "gold"]}
    parts.catalogue.apply(slo("free", total=free, good=free | {"status": "<500"}, alerts=False), by="test", now=NOW)

    def names(scope: Scope) -> set[str]:
        return {each.slo for each in compiled(parts, scope).promises}

    assert names(Scope(account_id="acme")) == {"acme", "free"}
    assert names(Scope(tier="gold")) == {"acme", "bolt", "free"}
    assert names(Scope(tier="other")) == {"acme", "bolt"}


def test_what_is_wrong_with_the_figures_of_one_promise_concerns_no_other(
    database: Database, parts: SLOParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(database, [Request(minute_of(MONTH.start) + 5, "/events", 200, 100)])
    parts.catalogue.apply(TEXT, by="test", now=NOW)
    odd = slo("odd", total={}, good={"status": "<500"}, target=0.42, alerts=False)
    parts.catalogue.apply(odd, by="test", now=NOW)

    def refuse_odd(objective: Objective, counts: Counts) -> ErrorBudget | None:
        if objective.target == Decimal("0.42") and counts.total:
            raise ImpossibleCountsError
        return error_budget(objective, counts)

    monkeypatch.setattr("reporting.reports.figures.counting.error_budget", refuse_odd)

    found = {each.slo: each for each in compiled(parts).promises}

    assert found["available"].tally.total == 1
    assert (found["odd"].standing, found["odd"].tally.total) == (Standing.NO_DATA, 0)
    assert found["odd"].note
