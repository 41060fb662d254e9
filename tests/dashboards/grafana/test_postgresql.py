"""Every SQL query of every panel, run on PostgreSQL as Grafana would run it, by the role that Grafana gets.

Each panel gives something, and something else once its cause has happened; a panel that is not named here fails.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import make_url

from dashboards.grafana.boards import boards
from dashboards.grafana.provisioning import READER
from dashboards.grafana.slo_counts import literal
from dashboards.grafana.statements import sql
from reporting.definitions.load import load
from tests.dashboards.grafana import causes
from tests.dashboards.grafana.expansion import Span, expanded_sql, panels_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.core.database import Database
    from app.embedded.instance import Instance

SLOS = Path(__file__).resolve().parents[3] / "slos"
SHIPPED = "\n---\n".join(path.read_text() for path in sorted(SLOS.glob("*.yaml")))
HOUR = Span(causes.BEGAN, causes.UNTIL)
CHOSEN = {
    "slo": ["availability"],
    "service": ["slipstream"],
    "route": ["/events", "it's"],
    "tier": ["standard", ""],
    "account": ["acme", "bolt"],
}
CAUSES = {
    "overview-postgresql": {
        "Promises": causes.failing,
        "Burn rate": causes.failing,
        "Alerts firing": causes.alerting,
        "Alerts evaluated": causes.evaluating,
        "Incidents": causes.alerting,
        "Events settled": causes.storing_late,
        "Requests answered": causes.busy,
        "Share of failed requests": causes.failing,
        "Time to answer": causes.slow,
    },
    "slo-detail-postgresql": {
        "Target": None,
        "Error budget left": causes.failing,
        "Good, of all": causes.failing,
        "Bad events, and how many were allowed": causes.failing,
        "Burn-down of the error budget": causes.failing,
        "Burn rate by window": causes.failing,
        "Share of bad events": causes.failing,
        "Availability": causes.failing,
        "Throughput": causes.busy,
        "P99 by endpoint": causes.slow,
        "Share of failed requests by endpoint": causes.failing,
        "Requests by endpoint": causes.busy,
        "Percentiles": causes.slow,
        "Share of failed requests by tier": causes.failing,
        "Requests by tier": causes.busy,
        "Failures by reason": causes.failing,
        "The last failures": causes.failing,
    },
    "ingestion-postgresql": {
        "Events accepted": causes.accepting,
        "Events settled": causes.storing_late,
        "Accepted and not settled": causes.accepting,
        "Time from the 202 to the row": causes.storing_late,
        "Stored within a minute": causes.storing_late,
        "Events accepted by shard": causes.accepting,
        "Dead letters held": causes.dying,
        "Notifications that wait": causes.telling,
        "Dead letters by reason": causes.dying,
    },
    "accounts-postgresql": {
        "Events by account": causes.an_account_sending,
        "Events of the range": causes.an_account_sending,
        "Requests by account": causes.an_account_asking,
        "Share of failed requests by account": causes.an_account_failing,
        "Refusals": causes.an_account_refused,
        "Accounts by tier": causes.a_new_account,
        "Quotas reached": causes.a_quota_reached,
        "Circuit breakers": causes.a_circuit_opening,
    },
}
"""None is a constant: it has data, and no cause but another definition."""
BUILT = {
    name: board.built()
    for name, board in boards(load(SHIPPED).definitions).by_name.items()
    if name.endswith("-postgresql")
}
PANELS = [
    pytest.param(name, panel, id=f"{name}: {panel['title']}")
    for name, built in BUILT.items()
    for panel in panels_of(built)
]


class Reader:
    """A connection of Grafana's role, which may read what the dashboards read."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection

    def rows(self, text: str, *, span: Span = HOUR, slo: str = "availability") -> list[dict[str, Any]]:
        """Run a query and return its rows; those without a single number or text in them are no data."""
        cursor = self._connection.execute(expanded_sql(text, {**CHOSEN, "slo": [slo]}, span).encode())
        names = [column.name for column in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return [row for row in found if any(value is not None for name, value in row.items() if name != "time")]


@pytest.fixture
def reader(engines: Instance, database_url: str) -> Iterator[Reader]:
    name = make_url(database_url).database or ""
    with psycopg.connect(engines.postgres.url(name, superuser=True), autocommit=True) as connection:
        connection.execute(sql("reader").encode())
        connection.execute(f"SET ROLE {READER}".encode())
        yield Reader(connection)


@pytest.fixture
def world_begun(database: Database) -> Database:
    with database.begin() as connection:
        causes.begin(connection)
    return database


def data_of(reader: Reader, panel: dict[str, Any], span: Span = HOUR) -> list[list[dict[str, Any]]]:
    return [reader.rows(target["rawSql"], span=span) for target in panel["targets"]]


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_a_panel_has_data_that_change_when_their_cause_happens(
    world_begun: Database, reader: Reader, board: str, panel: dict[str, Any]
) -> None:
    cause = CAUSES[board][panel["title"]]
    before = data_of(reader, panel)
    if cause is not None:
        with world_begun.begin() as connection:
            cause(connection)

    after = data_of(reader, panel)

    assert all(after)
    if cause is not None and panel["title"] != "Alerts evaluated":
        assert all(now != then for now, then in zip(after, before, strict=True))


@pytest.mark.parametrize("width", [15, 1_440])
def test_a_panel_has_data_of_a_time_of_which_minutes_are_kept_no_longer(
    world_begun: Database, reader: Reader, width: int
) -> None:
    day = Span(causes.BEGAN.replace(hour=0), causes.BEGAN.replace(hour=0) + timedelta(days=1), 60)
    panels = {
        (board, panel["title"]): panel
        for board, built in BUILT.items()
        for panel in panels_of(built)
        if CAUSES[board][panel["title"]] in causes.OF_REQUESTS and panel["title"] != "The last failures"
    }
    assert {board for board, _ in panels} == set(BUILT) - {"ingestion-postgresql"}
    with world_begun.begin() as connection:
        causes.minutes_gone(connection, width)
    before = {name: data_of(reader, panel, day) for name, panel in panels.items()}

    for cause in causes.OF_REQUESTS:
        with world_begun.begin() as connection:
            cause(connection)
            causes.minutes_gone(connection, width)
        for (board, title), panel in panels.items():
            if CAUSES[board][title] is cause:
                after = data_of(reader, panel, day)
                assert all(after), (board, title)
                assert all(now != then for now, then in zip(after, before[board, title], strict=True)), (board, title)


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


def test_every_cause_is_of_a_panel() -> None:
    assert {name: set(named) for name, named in CAUSES.items()} == {
        name: {panel["title"] for panel in panels_of(built)} for name, built in BUILT.items()
    }


def test_evaluated_lately_is_less_long_ago(world_begun: Database, reader: Reader) -> None:
    (before,) = reader.rows(sql("alerts_evaluated"))
    with world_begun.begin() as connection:
        causes.evaluating(connection)

    (after,) = reader.rows(sql("alerts_evaluated"))

    assert before["ago"] - after["ago"] > timedelta(minutes=29).total_seconds()


@pytest.mark.parametrize("board", BUILT)
def test_variables_and_marks_have_values(world_begun: Database, reader: Reader, board: str) -> None:
    with world_begun.begin() as connection:
        causes.alerting(connection)
        connection.exec_driver_sql(
            "INSERT INTO slo_versions (name, version, effective_from, applied_by, document)"
            " VALUES ('availability', 1, now(), 'tests', '{}'), ('gone', 1, now(), 'tests', '{}'), ('gone', 2, now(), 'tests', NULL)"
        )
    marks = BUILT[board]["annotations"]["list"][1]

    assert [row["text"] for row in reader.rows(marks["target"]["rawSql"])] == ["Availability burns"]
    for variable in BUILT[board]["templating"]["list"][1:]:
        values = [next(iter(row.values())) for row in reader.rows(variable["query"])]
        assert values
        assert "gone" not in values


def test_without_any_data_no_panel_shows_a_number_that_looks_like_health(reader: Reader) -> None:
    shows = {
        (name, panel["title"]): rows
        for name, built in BUILT.items()
        for panel in panels_of(built)
        if (rows := [row for rows in data_of(reader, panel) for row in rows])
    }

    counted_now = {"Dead letters held", "Notifications that wait"}
    assert {title for _, title in shows} == {
        "Target",
        "Promises",
        "Bad events, and how many were allowed",
    } | counted_now
    for row in shows["overview-postgresql", "Promises"]:
        assert (row["Good, of all"], row["Budget left"], row["Total"]) == (None, None, 0)


@pytest.mark.parametrize("slo", ["availability", "ingest-latency", "freshness"])
def test_an_slo_is_counted_as_its_definition_says(world_begun: Database, reader: Reader, slo: str) -> None:
    with world_begun.begin() as connection:
        causes.failing(connection)  # 7 failed, after 3 s.
        causes.storing_late(connection)  # 40 late.
        causes.events_accepted(connection, 45)  # And 5 that nothing is known of.
    parts = {panel["title"]: panel for panel in panels_of(BUILT["slo-detail-postgresql"])}

    (found,) = reader.rows(parts["Bad events, and how many were allowed"]["targets"][0]["rawSql"], slo=slo)

    bad, total, allowed = {
        "availability": (7, 107, 0.001),
        "ingest-latency": (7, 107, 0.01),
        "freshness": (45, 55, 0.01),
    }[slo]
    assert found["bad"] == bad
    assert float(found["allowed"]) == pytest.approx(total * allowed)


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


@pytest.mark.parametrize("text", ["plain", "it's", "$service", "a\\b", "ü", "'); DROP TABLE accounts; --", "${slo}"])
def test_texts_of_definitions_are_texts_whatever_is_in_them(reader: Reader, text: str) -> None:
    assert reader.rows(f"SELECT {literal(text)} AS text") == [{"text": text}]


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
