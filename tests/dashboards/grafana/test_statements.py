"""The SQL files that panels share, and the role that reads them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from dashboards.grafana.statements import sql
from tests.dashboards.grafana import causes
from tests.dashboards.grafana.expansion import Span

if TYPE_CHECKING:
    from app.core.database import Database
    from tests.dashboards.grafana.conftest import Reader


def test_events_of_long_ranges_are_counted_once(world_begun: Database, reader: Reader) -> None:
    """By the day where days are whole, and by the minute at the edges: the days here say more, so that one sees which."""
    with world_begun.begin() as connection:
        connection.exec_driver_sql("UPDATE event_rollups SET events = 11 WHERE width = 1440")
    asked, midnight = sql("events_by_account"), causes.BEGAN.replace(hour=0)

    for since, until, events in (
        (midnight - timedelta(days=90), midnight + timedelta(days=90, minutes=7), 11),
        (midnight, midnight + timedelta(days=1), 11),
        (midnight - timedelta(days=90), causes.UNTIL, 10),
        (causes.BEGAN, midnight + timedelta(days=9), 10),
    ):
        (row,) = reader.rows(asked, span=Span(since, until, 3_600))
        assert row["Events"] == events


def test_evaluated_lately_is_less_long_ago(world_begun: Database, reader: Reader) -> None:
    (before,) = reader.rows(sql("alerts_evaluated"))
    with world_begun.begin() as connection:
        causes.evaluating(connection)

    (after,) = reader.rows(sql("alerts_evaluated"))

    assert before["ago"] - after["ago"] > timedelta(minutes=29).total_seconds()


def test_what_is_added_up_is_counted_once_at_every_width(world_begun: Database, reader: Reader) -> None:
    """Quarters that are added up are read as such where points are as wide, and the minutes at the edges by themselves."""
    with world_begun.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO request_rollups (service, width, bucket, route, method, tier, status, reason, requests, buckets, counts)"
            " SELECT service, 15, date_bin('15 minutes', minute, 'epoch'), route, method, tier, status, reason, requests, buckets, counts"
            "   FROM request_minutes"
        )
        connection.exec_driver_sql(
            "INSERT INTO rollup_progress (name, quarters_until, days_until, seen_xid) VALUES ('requests', %s, NULL, 0)"
            " ON CONFLICT (name) DO UPDATE SET quarters_until = excluded.quarters_until",
            (causes.HALF_PAST,),
        )
        causes.busy(connection)
    asked = sql("requests_by_route")

    for interval_s in (60, 900, 1_200, 3_600):
        for since in (causes.BEGAN, causes.BEGAN - timedelta(minutes=7)):
            rows = reader.rows(asked, span=Span(since, causes.UNTIL, interval_s))
            assert sum(row["value"] * interval_s for row in rows) == pytest.approx(150)


def test_grafana_s_role_reads_no_keys_no_payloads_and_writes_nothing(reader: Reader) -> None:
    for statement in (
        "SELECT * FROM api_keys",
        "SELECT payload FROM events",
        "SELECT body FROM dead_letters",
        "SELECT payload FROM notifications",
        "DELETE FROM incidents",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.rows(statement)
