"""Subscriptions: one report and one intent to send for each period, whoever looks, and however often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.core.report_tables import report_sends, reports
from reporting.reports import delivery_store
from reporting.reports.archive import Paper
from reporting.reports.model import Kind, Scope
from reporting.reports.schedule import Rhythm
from reporting.reports.subscription_links import LinkError

if TYPE_CHECKING:
    from reporting.reports.subscriptions import Subscription
    from tests.reporting.reports.conftest import Workshop

WEEKLY = Rhythm(kind=Kind.WEEKLY, timezone="Europe/Berlin", hour=7, scope=Scope(service="checkout"))
MONDAY = datetime(2026, 11, 23, 6, tzinfo=UTC)


def subscribe(workshop: Workshop, *audience: str, rhythm: Rhythm = WEEKLY) -> Subscription:
    return workshop.subscriptions.add(rhythm, workshop.now, audience=audience, paper=Paper.A4, by="mia")


def count(workshop: Workshop, table: object) -> int:
    with workshop.database.begin() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0  # type: ignore[arg-type]


def recipients(workshop: Workshop) -> list[str]:
    return [letter.letter.to for letter in workshop.letters() if letter.letter]


def test_every_subscriber_gets_one_letter_for_each_period(workshop: Workshop) -> None:
    subscribe(workshop, "mia@example.org", "ben@example.org")
    assert workshop.schedule.run(MONDAY - timedelta(seconds=1)) == 0

    with ThreadPoolExecutor(4) as workers:
        served = sum(workers.map(lambda _: workshop.schedule.run(MONDAY), range(4)))
    assert served == 1
    assert (count(workshop, reports), count(workshop, report_sends)) == (1, 1)
    assert recipients(workshop) == []  # There is nothing to send yet.

    workshop.now = MONDAY
    workshop.make()

    assert recipients(workshop) == ["mia@example.org", "ben@example.org"]
    assert len({letter.id for letter in workshop.letters()}) == 2
    workshop.schedule.run(MONDAY + timedelta(hours=1))
    workshop.make()
    assert len(recipients(workshop)) == 2


def test_subscriptions_to_the_same_report_share_it(workshop: Workshop) -> None:
    subscribe(workshop, "mia@example.org")
    subscribe(workshop, "ben@example.org")
    workshop.schedule.run(MONDAY)

    assert (count(workshop, reports), count(workshop, report_sends)) == (1, 2)
    workshop.make()
    assert sorted(recipients(workshop)) == ["ben@example.org", "mia@example.org"]
    assert workshop.compilings == ["2026-W47"]


def test_what_was_made_by_hand_before_is_sent_at_once(workshop: Workshop) -> None:
    subscribe(workshop, "mia@example.org")
    workshop.now = MONDAY
    workshop.order(WEEKLY.order("2026-W47"))
    workshop.make()

    workshop.schedule.run(MONDAY)

    assert recipients(workshop) == ["mia@example.org"]
    assert workshop.compilings == ["2026-W47"]


def test_missed_weeks_are_caught_up_with(workshop: Workshop) -> None:
    subscribe(workshop, "mia@example.org")
    workshop.now = MONDAY + timedelta(weeks=2, hours=3)

    workshop.schedule.run(workshop.now)
    workshop.make()

    assert workshop.compilings == ["2026-W47", "2026-W48", "2026-W49"]
    assert len(recipients(workshop)) == 3
    assert workshop.subscriptions.all()[0].next_period == "2026-W50"


def test_a_subscription_of_nobody_fills_the_archive(workshop: Workshop) -> None:
    subscribe(workshop)
    workshop.schedule.run(MONDAY)
    workshop.now = MONDAY
    workshop.make()

    assert (count(workshop, reports), count(workshop, report_sends)) == (1, 0)


def test_a_subscription_that_has_ended_gets_nothing(workshop: Workshop) -> None:
    workshop.subscriptions.remove(subscribe(workshop, "mia@example.org").subscription_id, workshop.now)

    assert workshop.schedule.run(MONDAY) == 0
    assert workshop.subscriptions.all() == []


def test_addresses_are_not_kept_for_longer_than_letters(workshop: Workshop) -> None:
    subscribe(workshop, "mia@example.org")
    workshop.schedule.run(MONDAY)

    with workshop.database.begin() as connection:
        assert delivery_store.purge(connection, workshop.now, limit=9) == 0
        assert delivery_store.purge(connection, workshop.now + timedelta(days=1), limit=9) == 1


def test_who_orders_a_report_may_have_it_sent_to_those_who_subscribe_to_such(workshop: Workshop) -> None:
    subscribe(workshop, "mia@example.org", "ben@example.org")
    subscribe(workshop, "mia@example.org")
    subscribe(workshop, "eve@example.org", rhythm=Rhythm(kind=Kind.MONTHLY, timezone="UTC", hour=7, scope=Scope()))

    workshop.order(WEEKLY.order("2026-W46"), send=True, to=["zoe@example.org"])
    workshop.make()

    assert recipients(workshop) == ["zoe@example.org", "mia@example.org", "ben@example.org"]


def token_of(workshop: Workshop, recipient: str) -> str:
    letter = next(each.letter for each in workshop.letters() if each.letter and each.letter.to == recipient)
    assert letter.unsubscribe is not None
    assert letter.unsubscribe.startswith("https://slip.example/unsubscribe/")
    return letter.unsubscribe.rpartition("/")[2]


@pytest.fixture
def told(workshop: Workshop) -> Workshop:
    """Two readers who have had a letter."""
    subscribe(workshop, "mia@example.org", "ben@example.org")
    workshop.schedule.run(MONDAY)
    workshop.now = MONDAY
    workshop.make()
    return workshop


def test_a_link_takes_its_reader_off_the_list_and_nobody_else(told: Workshop) -> None:
    token = token_of(told, "mia@example.org")
    assert told.subscriptions.look(token, MONDAY)[1] == "mia@example.org"
    assert told.subscriptions.all()[0].audience == ("mia@example.org", "ben@example.org")

    for _ in range(2):
        told.subscriptions.leave(token, MONDAY)

    assert told.subscriptions.all()[0].audience == ("ben@example.org",)
    assert told.subscriptions.look(token, MONDAY)[1] is None
    told.schedule.run(MONDAY + timedelta(weeks=1))
    told.make()
    assert recipients(told).count("mia@example.org") == 1
    assert recipients(told).count("ben@example.org") == 2


@pytest.mark.parametrize("position", [6, 26, 40, -1])
def test_a_link_that_was_changed_anywhere_holds_no_longer(told: Workshop, position: int) -> None:
    letters = list(token_of(told, "mia@example.org"))
    letters[position] = "1" if letters[position] == "0" else "0"

    with pytest.raises(LinkError):
        told.subscriptions.leave("".join(letters), MONDAY)
    assert len(told.subscriptions.all()[0].audience) == 2
