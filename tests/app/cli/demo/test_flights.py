from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.cli.demo.flights import AIRLINES, flights_until

NOW = datetime(2026, 11, 22, 12, 34, 56, tzinfo=UTC)


def test_every_flight_has_its_airline_and_an_id_of_its_own() -> None:
    flights = flights_until(NOW)

    assert flights.total == 27_004
    assert set(flights.events) == set(AIRLINES)
    assert (
        len({(airline, event["event_id"]) for airline, events in flights.events.items() for event in events}) == 27_004
    )


def test_the_month_ends_now_and_every_time_is_moved_alike() -> None:
    flights = flights_until(NOW)

    times = [datetime.fromisoformat(event["timestamp"]) for events in flights.events.values() for event in events]
    assert max(times) == NOW.replace(second=0)
    assert timedelta(days=30) < max(times) - min(times) < timedelta(days=31)
    assert flights.moved_by == NOW.replace(second=0) - datetime(2013, 2, 1, 5, 54, tzinfo=UTC)
