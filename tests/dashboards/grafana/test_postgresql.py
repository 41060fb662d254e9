"""Every SQL query of every panel, run on PostgreSQL as Grafana would run it, by the role that Grafana gets.

Each panel gives something, and something else once its cause has happened; a panel that is not named here fails.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.named_routes import shipped_text
from dashboards.grafana.boards import boards
from dashboards.grafana.slo_counts import literal
from reporting.definitions.load import load
from tests.dashboards.grafana import causes
from tests.dashboards.grafana.conftest import HOUR
from tests.dashboards.grafana.expansion import Span, panels_of

if TYPE_CHECKING:
    from app.core.database import Database
    from tests.dashboards.grafana.conftest import Reader

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
    for name, board in boards(load(shipped_text()).definitions).by_name.items()
    if name.endswith("-postgresql")
}
PANELS = [
    pytest.param(name, panel, id=f"{name}: {panel['title']}")
    for name, built in BUILT.items()
    for panel in panels_of(built)
]


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


def test_every_cause_is_of_a_panel() -> None:
    assert {name: set(named) for name, named in CAUSES.items()} == {
        name: {panel["title"] for panel in panels_of(built)} for name, built in BUILT.items()
    }


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


@pytest.mark.parametrize("text", ["plain", "it's", "$service", "a\\b", "ü", "'); DROP TABLE accounts; --", "${slo}"])
def test_texts_of_definitions_are_texts_whatever_is_in_them(reader: Reader, text: str) -> None:
    assert reader.rows(f"SELECT {literal(text)} AS text") == [{"text": text}]
