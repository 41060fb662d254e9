"""Orders, and what becomes of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.core.errors import DependencyUnavailableError
from app.core.problems import Problem, ProblemType
from reporting.reports import archive_store
from reporting.reports.archive import Paper, ReportError, ReportOrder, State
from reporting.reports.archive_making import CLAIMED_FOR, MOST_TRIES
from reporting.reports.model import Kind, Scope
from tests.reporting.reports.conftest import NOW, OCTOBER

if TYPE_CHECKING:
    from tests.reporting.reports.conftest import Workshop

NOVEMBER = replace(OCTOBER, period="2026-11")


def test_an_id_follows_from_what_is_ordered_alone() -> None:
    assert OCTOBER.report_id == replace(OCTOBER).report_id
    others = [
        replace(OCTOBER, kind=Kind.WEEKLY),
        NOVEMBER,
        replace(OCTOBER, timezone="UTC"),
        replace(OCTOBER, scope=Scope()),
        replace(OCTOBER, scope=Scope(account_id="checkout")),
        replace(OCTOBER, scope=Scope(service="checkout", tier="free")),
    ]

    assert len({OCTOBER.report_id, *(order.report_id for order in others)}) == 1 + len(others)


def test_a_report_that_was_ordered_is_made_and_kept_in_every_format(workshop: Workshop) -> None:
    ordered = workshop.order()
    assert (ordered.state, ordered.revision, ordered.requested_by) == (State.QUEUED, 1, "mia")

    assert workshop.make() == 1

    made = workshop.reports.get(ordered.report_id)
    assert (made.state, made.step, made.reason, made.generated_at, made.complete) == (State.READY, "", "", NOW, True)
    assert workshop.reports.file(ordered.report_id, "pdf-a4").content == b"%PDF-a4-2026-10"
    assert b"2026-10" in workshop.reports.file(ordered.report_id, "html").content
    assert workshop.reports.model(ordered.report_id).report_id == ordered.report_id
    assert "Checkout" in workshop.reports.file(ordered.report_id, "mail").content.decode()


def test_one_order_is_one_report_however_often_it_is_ordered_and_whoever_makes_it(workshop: Workshop) -> None:
    with ThreadPoolExecutor(4) as people:
        ordered = list(people.map(lambda _: workshop.order(), range(8)))
    assert {(each.report_id, each.revision) for each in ordered} == {(OCTOBER.report_id, 1)}

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda number: workshop.making.make(OCTOBER.report_id, 1, by=f"task-{number}"), range(4)))

    assert workshop.compilings == ["2026-10"]
    assert workshop.order().state is State.READY
    assert workshop.make() == 0


def test_a_report_is_made_again_when_asked_to_or_when_its_period_was_not_over(workshop: Workshop) -> None:
    workshop.order()
    workshop.make()
    workshop.order(again=True)
    assert workshop.reports.get(OCTOBER.report_id).revision == 2
    assert workshop.reports.file(OCTOBER.report_id, "html").content  # Of the first, until the second is there.
    workshop.make()

    workshop.order(NOVEMBER)
    workshop.make()
    assert workshop.reports.get(NOVEMBER.report_id).complete is False
    assert workshop.order(NOVEMBER).revision == 2
    workshop.later(days=9)
    workshop.make()
    assert workshop.order(NOVEMBER).revision == 2
    assert workshop.reports.get(NOVEMBER.report_id).complete is True


@pytest.mark.parametrize(("seconds", "complete"), [(-30, False), (0, False), (14 * 60 + 59, False), (15 * 60, True)])
def test_a_report_is_complete_once_its_last_requests_are_in(
    workshop: Workshop, seconds: int, *, complete: bool
) -> None:
    end = OCTOBER.span.end
    workshop.now = end + timedelta(seconds=seconds)
    workshop.order()
    workshop.make()

    assert workshop.reports.get(OCTOBER.report_id).complete is complete


def test_what_is_made_again_is_told_how_it_was_first_made_when_its_period_was_over(workshop: Workshop) -> None:
    workshop.order(NOVEMBER)
    workshop.make()
    workshop.later(days=9)
    for _ in range(3):
        workshop.order(NOVEMBER, again=True)
        workshop.make()
        workshop.later(days=1)

    firsts = [first and first.generated_at for first in workshop.firsts]
    assert firsts == [None, None, NOW + timedelta(days=9), NOW + timedelta(days=9)]


def test_without_the_libraries_of_pdf_it_is_made_and_sent_as_a_page(workshop: Workshop) -> None:
    workshop.without_pdf = True
    workshop.order(to=["mia@example.org"])
    with pytest.raises(ReportError, match="libpango"):
        workshop.make()  # The machine may have been too slow.
    workshop.make()

    made = workshop.reports.get(OCTOBER.report_id)
    assert (made.state, made.reason) == (State.READY, "It was made without PDF: there is no libpango.")
    with pytest.raises(Problem, match="libpango"):
        workshop.reports.file(OCTOBER.report_id, "pdf-a4")
    (told,) = workshop.letters()
    assert told.letter is not None
    assert [enclosure.content_type for enclosure in told.letter.enclosures] == ["text/html"]


def test_a_pdf_that_was_too_slow_once_is_there_the_next_time(workshop: Workshop) -> None:
    workshop.without_pdf = True
    workshop.order()
    with pytest.raises(ReportError):
        workshop.make()
    workshop.without_pdf = False
    workshop.make()

    assert workshop.reports.get(OCTOBER.report_id).reason == ""
    assert workshop.reports.file(OCTOBER.report_id, "pdf-a4").content
    assert workshop.compilings == ["2026-10"]


def test_another_paper_is_rendered_from_what_was_compiled(workshop: Workshop) -> None:
    workshop.order()
    workshop.make()
    with pytest.raises(Problem) as missing:
        workshop.reports.file(OCTOBER.report_id, "pdf-letter")
    assert missing.value.type is ProblemType.NOT_FOUND

    assert workshop.order(paper=Paper.LETTER).papers == (Paper.A4, Paper.LETTER)
    workshop.make()

    assert workshop.reports.file(OCTOBER.report_id, "pdf-letter").content == b"%PDF-letter-2026-10"
    assert workshop.compilings == ["2026-10"]
    assert workshop.renderings == [Paper.A4, Paper.LETTER]
    assert workshop.reports.get(OCTOBER.report_id).revision == 1


def test_a_paper_that_is_wanted_while_the_report_is_made_is_made_as_well(workshop: Workshop) -> None:
    workshop.order()
    real = workshop._render

    def render_slowly(*given: object) -> object:
        if workshop.renderings == []:
            workshop.order(paper=Paper.LETTER)
        return real(*given)  # type: ignore[arg-type]

    workshop.making._render = render_slowly  # type: ignore[assignment]
    workshop.make()

    assert workshop.reports.get(OCTOBER.report_id).state is State.READY
    assert workshop.reports.file(OCTOBER.report_id, "pdf-letter").content == b"%PDF-letter-2026-10"


def test_who_goes_on_after_a_crash_has_its_own_claim_and_others_have_to_wait(workshop: Workshop) -> None:
    workshop.order()
    with workshop.database.begin() as connection:
        until = NOW + CLAIMED_FOR
        assert archive_store.claim(connection, OCTOBER.report_id, 1, by="killed", now=NOW, until=until)

    assert workshop.make() == 0
    workshop.making.make(OCTOBER.report_id, 1, by="other")
    assert workshop.compilings == []

    workshop.making.make(OCTOBER.report_id, 1, by="killed")
    assert workshop.reports.get(OCTOBER.report_id).state is State.READY


def test_a_claim_of_a_task_that_is_gone_ends_by_itself(workshop: Workshop) -> None:
    workshop.order()
    with workshop.database.begin() as connection:
        archive_store.claim(connection, OCTOBER.report_id, 1, by="gone", now=NOW, until=NOW + CLAIMED_FOR)

    workshop.now = NOW + CLAIMED_FOR + timedelta(seconds=1)
    assert workshop.make() == 1
    assert workshop.reports.get(OCTOBER.report_id).state is State.READY


def test_what_fails_is_tried_again_and_then_failed_with_the_reason_and_told(workshop: Workshop) -> None:
    workshop.failures = [ReportError("There are no fonts."), *(ValueError("secret") for _ in range(2))]
    workshop.failures.append(ReportError("There are still no fonts."))
    workshop.order()

    for _ in range(MOST_TRIES - 1):
        with pytest.raises((ReportError, ValueError)):
            workshop.making.make(OCTOBER.report_id, 1, by="task")
        assert workshop.reports.get(OCTOBER.report_id).state is State.QUEUED
    assert "secret" not in workshop.reports.get(OCTOBER.report_id).reason
    workshop.making.make(OCTOBER.report_id, 1, by="task")

    failed = workshop.reports.get(OCTOBER.report_id)
    assert (failed.state, failed.reason) == (State.FAILED, "There are still no fonts.")
    (told,) = workshop.letters()
    assert told.letter is None
    assert told.title == "The monthly report of checkout for 2026-10 could not be made"
    with pytest.raises(Problem, match="no fonts"):
        workshop.reports.file(OCTOBER.report_id, "html")

    assert workshop.order().revision == 2
    workshop.make()
    assert workshop.reports.get(OCTOBER.report_id).state is State.READY


def test_a_report_with_which_workers_die_is_given_up(workshop: Workshop) -> None:
    workshop.order()
    for _ in range(MOST_TRIES):
        with workshop.database.begin() as connection:
            archive_store.claim(connection, OCTOBER.report_id, 1, by="dying", now=NOW, until=NOW + CLAIMED_FOR)

    workshop.making.make(OCTOBER.report_id, 1, by="dying")

    assert workshop.reports.get(OCTOBER.report_id).state is State.FAILED
    assert workshop.compilings == []


def test_a_dependency_that_is_away_leaves_the_report_to_be_made(workshop: Workshop) -> None:
    workshop.failures = [DependencyUnavailableError("postgresql", "away")]
    workshop.order()

    with pytest.raises(DependencyUnavailableError):
        workshop.making.make(OCTOBER.report_id, 1, by="task")

    workshop.make()
    assert workshop.reports.get(OCTOBER.report_id).state is State.READY


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (replace(OCTOBER, period="2026-13"), "period"),
        (replace(OCTOBER, period="2026-W43"), "period"),
        (replace(OCTOBER, period="2026"), "period"),
        (replace(OCTOBER, period="0000-01"), "period"),
        (replace(OCTOBER, period="9999-12"), "period"),
        (replace(OCTOBER, period="2026-12"), "period"),
        (replace(OCTOBER, timezone="Mars/Olympus"), "timezone"),
        (ReportOrder(kind=Kind.WEEKLY, period="2026-W54", timezone="UTC"), "period"),
        (replace(OCTOBER, scope=Scope(service="checkout", account_id="acme")), "account_id"),
    ],
)
def test_what_is_no_report_is_refused(workshop: Workshop, order: ReportOrder, field: str) -> None:
    with pytest.raises(Problem) as refused:
        workshop.order(order)

    assert [error.field for error in refused.value.errors] == [field]


def test_old_reports_go_and_so_do_those_that_were_replaced_long_ago(workshop: Workshop) -> None:
    old, replaced = replace(OCTOBER, period="2025-01"), OCTOBER
    for order in (old, replaced):
        workshop.order(order)
    workshop.make()
    workshop.later(days=10)
    workshop.order(again=True)
    workshop.make()

    def purge(**kept: float) -> int:
        with workshop.database.begin() as connection:
            times = {name: workshop.now - timedelta(days=days) for name, days in kept.items()}
            return archive_store.purge(connection, **times, limit=20)  # type: ignore[arg-type]

    assert purge(kept_since=11, replaced_since=1) == 0
    workshop.later(days=2)
    assert purge(kept_since=100, replaced_since=1) == 1
    assert purge(kept_since=11, replaced_since=1) == 1
    assert workshop.reports.get(OCTOBER.report_id).revision == 2
    with pytest.raises(Problem, match="no such report"):
        workshop.reports.get(old.report_id)
