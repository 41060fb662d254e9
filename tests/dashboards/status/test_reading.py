"""What the page says of what is stored: days in its zone, maintenance, and nothing that is not public."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, insert

from app.core.accepted_minutes import AcceptedMinutes
from app.core.detail_tables import kept_detail
from app.core.tables import request_minutes, telemetry_services
from app.core.telemetry.rollups import Rollups
from app.slo_composition import compose_slos
from dashboards.status.figures import availability_of
from dashboards.status.reading import Shown, StatusReader
from dashboards.status.state import State
from reporting.alerts.incidents_service import Incidents, NewIncident
from reporting.definitions.load import load
from reporting.evaluation.books import Books
from reporting.maintenance.maintenance import Maintenance, MaintenanceCalendar
from reporting.publication.publication import Progress
from reporting.publication.publications import NewUpdate, Publications, Publishing
from reporting.slo.burn_rate_alert import AlertSeverity
from reporting.slo.windows import minute_of
from tests.reporting.evaluation.definitions import slo, together
from tests.reporting.evaluation.recount import Request, store

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.valkey import Valkey
    from app.slo_composition import SLOParts
    from dashboards.status.model import StatusPage

NOW = datetime(2026, 11, 22, 14, 17, 30, tzinfo=UTC)
TEXT = together(
    slo("availability", total={"service": "slipstream"}, good={"service": "slipstream", "status": "<500"}),
    slo("theirs", total={"service": "theirs"}, good={"service": "theirs", "status": "<500"}, service="theirs"),
)


@pytest.fixture
def slos(database: Database, valkey: Valkey) -> SLOParts:
    found = compose_slos(database, valkey)
    found.catalogue.apply(TEXT, by="tests", now=NOW)
    return found


class World:
    def __init__(self, database: Database, valkey: Valkey, slos: SLOParts) -> None:
        self.database = database
        self._valkey = valkey
        self._slos = slos
        self._writers = 0

    def requests(self, at: datetime, good: int, bad: int = 0) -> None:
        self._writers += 1
        minute, writer = minute_of(at), f"w{self._writers}"
        sent = [Request(minute, "/events", 202, 1_000, writer=writer)] * good
        store(self.database, [*sent, *[Request(minute, "/events", 500, 1_000, writer=writer)] * bad])

    def page(self, *, zone: str = "UTC", services: frozenset[str] | None = None, now: datetime = NOW) -> StatusPage:
        return self.reader(zone, services).read(now)

    def reader(self, zone: str = "UTC", services: frozenset[str] | None = None) -> StatusReader:
        books = Books(AcceptedMinutes(self.database, self._valkey))
        shown = Shown(zone=zone, services=services)
        return StatusReader(self.database, self._slos.catalogue, MaintenanceCalendar(self.database), books, shown)

    def maintain(self, starts_at: datetime, minutes: int, **fields: Any) -> None:
        given: dict[str, Any] = {"service": "slipstream", "rrule": None, "timezone": "UTC", **fields}
        ends_at = starts_at + timedelta(minutes=minutes)
        MaintenanceCalendar(self.database).add(
            Maintenance(starts_at=starts_at, ends_at=ends_at, author="Mia", reason="secret", created_at=NOW, **given)
        )

    def incident(self, *, resolved: bool = False, severity: AlertSeverity = AlertSeverity.PAGE) -> str:
        began = NOW - timedelta(hours=3)
        wanted = NewIncident(
            service="slipstream",
            title="Pool of acme leaks",
            started_at=began,
            resolved_at=began + timedelta(hours=1) if resolved else None,
            severity=severity,
            root_cause="A secret.",
        )
        return Incidents(self.database).add(wanted, NOW, by="Ada").incident_id


@pytest.fixture
def world(database: Database, valkey: Valkey, slos: SLOParts) -> World:
    return World(database, valkey, slos)


def states(page: StatusPage) -> dict[date, State]:
    return {day.on: day.state for service in page.services if service.name == "slipstream" for day in service.days}


def test_days_are_of_the_page_s_zone_and_without_data_they_are_grey(world: World) -> None:
    # 23:30 in Berlin on the 20th is 22:30 UTC; half past midnight in Tokyo is the day before in UTC.
    world.requests(datetime(2026, 11, 20, 22, 30, tzinfo=UTC), good=50, bad=50)
    world.requests(datetime(2026, 11, 20, 15, 30, tzinfo=UTC), good=100)

    berlin, tokyo = states(world.page(zone="Europe/Berlin")), states(world.page(zone="Asia/Tokyo"))

    assert len(berlin) == 90
    assert {on for on, state in berlin.items() if state is not State.NO_DATA} == {date(2026, 11, 20)}
    assert {on for on, state in tokyo.items() if state is not State.NO_DATA} == {date(2026, 11, 21)}
    assert berlin[date(2026, 11, 20)] is State.OUTAGE
    assert list(berlin)[-1] == date(2026, 11, 22)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu"])
def test_what_is_added_up_is_what_was_counted(world: World, zone: str) -> None:
    for hours in range(0, 2_000, 7):
        world.requests(NOW - timedelta(hours=hours, minutes=1), good=9, bad=1)
    before = world.page(zone=zone)
    Rollups(world.database).add_up(NOW)

    after = world.page(zone=zone)

    assert after.services == before.services
    assert after.services[0].counts == (9 * 286, 10 * 286)


def test_a_page_read_again_knows_what_came_since(world: World) -> None:
    reader = world.reader()
    world.requests(NOW - timedelta(days=2), good=100)
    first = reader.read(NOW)
    world.requests(NOW - timedelta(minutes=2), good=10, bad=90)

    again = reader.read(NOW + timedelta(seconds=40))

    assert (states(first)[NOW.date()], states(again)[NOW.date()]) == (State.NO_DATA, State.OUTAGE)
    assert again.services[0].state is State.OUTAGE
    assert again.services[0].counts == (110, 200)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_days_stay_when_their_minutes_are_gone(world: World, zone: str) -> None:
    for hours in range(0, 2_000, 30):
        world.requests(NOW - timedelta(hours=hours, minutes=1), good=9, bad=1)
    Rollups(world.database).add_up(NOW)
    before = world.page(zone=zone)
    kept_from = NOW.replace(hour=0, minute=0, second=0) - timedelta(days=35)
    with world.database.begin() as connection:
        connection.execute(delete(request_minutes).where(request_minutes.c.minute < kept_from))
        connection.execute(insert(kept_detail).values(name="requests", minutes_from=kept_from))

    assert world.page(zone=zone).services == before.services


@pytest.mark.parametrize(("days", "minutes"), [(1, 10), (30, 360)])
def test_what_comes_late_is_shown_in_the_end(world: World, days: int, minutes: int) -> None:
    reader, then = world.reader(), NOW - timedelta(days=days, hours=6)
    world.requests(then, good=100)
    reader.read(NOW)
    world.requests(then, good=0, bad=50)

    before, after = (reader.read(NOW + timedelta(minutes=later)) for later in (minutes - 1, minutes))

    assert (before.services[0].counts, after.services[0].counts) == ((100, 100), (100, 150))


def test_now_is_what_the_last_minutes_are(world: World) -> None:
    world.requests(NOW - timedelta(hours=2), good=10, bad=90)
    assert world.page().services[0].state is State.NO_DATA

    world.requests(NOW - timedelta(minutes=3), good=1_000)
    assert world.page().services[0].state is State.OPERATIONAL


def test_maintenance_is_left_out_and_said(world: World) -> None:
    yesterday = NOW.replace(hour=3, minute=0, second=0) - timedelta(days=1)
    world.requests(yesterday + timedelta(minutes=10), good=0, bad=500)
    world.requests(yesterday + timedelta(hours=5), good=1_000)
    world.requests(yesterday - timedelta(days=1), good=0, bad=500)
    world.maintain(yesterday, 60)
    world.maintain(yesterday - timedelta(days=1, minutes=5), 60)

    (service,) = [each for each in world.page().services if each.name == "slipstream"]

    shown = {day.on: day for day in service.days}
    assert (shown[yesterday.date()].state, shown[yesterday.date()].maintenance_minutes) == (State.OPERATIONAL, 60)
    assert shown[yesterday.date() - timedelta(days=1)].state is State.MAINTENANCE
    assert shown[yesterday.date()].total == 1_000


def test_maintenance_that_goes_on_is_the_state_and_what_comes_is_announced(world: World) -> None:
    start = NOW.replace(second=0) - timedelta(minutes=10)
    world.requests(NOW - timedelta(minutes=3), good=0, bad=100)
    world.maintain(start, 30)
    world.maintain(start + timedelta(days=2), 30, service=None)
    world.maintain(start + timedelta(days=40), 30)

    page = world.page()

    assert {service.name: service.state for service in page.services}["slipstream"] is State.MAINTENANCE
    assert [(each.services, each.starts_at) for each in page.maintenance] == [
        (("slipstream",), start),
        (("slipstream", "theirs"), start + timedelta(days=2)),
    ]


def test_services_of_accounts_are_theirs_unless_they_are_named(world: World) -> None:
    with world.database.begin() as connection:
        connection.execute(insert(telemetry_services).values(service="theirs", account_id="acme", created_at=NOW))

    assert [service.name for service in world.page().services] == ["slipstream"]
    assert [service.name for service in world.page(services=frozenset({"theirs"})).services] == ["theirs"]


def test_a_draft_is_nobody_s_business_and_a_published_one_is_told_in_public_words(world: World) -> None:
    world.requests(NOW - timedelta(minutes=3), good=1_000)
    publications = Publications(world.database)
    incident_id = world.incident()
    assert world.page().incidents == ()
    assert world.page().state is not State.OUTAGE

    publications.publish(incident_id, Publishing(title="Events are slow"), NOW, by="Ada")
    publications.tell(incident_id, NewUpdate(status=Progress.IDENTIFIED, text="We found it."), NOW, by="Ada")
    page = world.page()

    assert [(each.title, each.updates[0].text) for each in page.incidents] == [("Events are slow", "We found it.")]
    assert page.services[0].state is State.OUTAGE
    publications.withdraw(incident_id, NOW)
    assert world.page().incidents == ()


def test_an_incident_of_a_service_that_is_not_shown_is_not_shown(world: World) -> None:
    Publications(world.database).publish(world.incident(), Publishing(), NOW, by="Ada")

    assert world.page(services=frozenset({"theirs"})).incidents == ()


def test_a_published_ticket_degrades_and_one_that_is_over_does_nothing(world: World) -> None:
    world.requests(NOW - timedelta(minutes=3), good=1_000)
    publications = Publications(world.database)
    publications.publish(world.incident(resolved=True), Publishing(), NOW, by="Ada")
    assert world.page().services[0].state is State.OPERATIONAL

    publications.publish(world.incident(severity=AlertSeverity.TICKET), Publishing(), NOW, by="Ada")
    assert world.page().services[0].state is State.DEGRADED


def test_availability_is_the_slo_of_all_requests_and_not_of_how_long_they_took() -> None:
    own = {"service": "checkout"}
    definitions = load(
        together(
            slo("a-latency", total=own, good={**own, "duration_ms": "<500"}, service="checkout"),
            slo(
                "a-route",
                total={**own, "route": "/pay"},
                good={**own, "route": "/pay", "status": "<500"},
                service="checkout",
            ),
            slo("works", total=own, good={**own, "status": "<500"}, service="checkout"),
        )
    ).definitions

    assert [each.name for each in availability_of(definitions)] == ["works"]
