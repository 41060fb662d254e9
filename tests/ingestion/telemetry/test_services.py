"""Whose a service is, and which of its names are told apart."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.core.erasure import erasures_store
from app.core.erasure.erasures import Erasures
from app.core.erasure.purge import Purge
from app.core.problems import Problem, ProblemType
from app.core.tables import account_request_minutes, request_minutes
from ingestion.telemetry.names import MOST_NAMES
from ingestion.telemetry.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.core.database import Database
    from app.core.mirror import AccountMirror
    from app.core.telemetry.ledger import Observation
    from tests.conftest import World

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def seen(route: str = "/", tier: str = "", reason: str = "", account: str | None = None) -> Observation:
    return (29_000_000, account, route, "GET", tier, 200, reason, None)


def add(database: Database, services: Services, observations: Iterable[Observation]) -> None:
    with database.begin() as connection:
        services.claim(connection, "shop", None, NOW)
        known = services.add(connection, "shop", dict.fromkeys(observations, 1))
    services.remember("shop", known)


def counted(database: Database, column: str) -> dict[str, int]:
    name = request_minutes.c[column]
    with database.begin() as connection:
        rows = connection.execute(select(name, func.sum(request_minutes.c.requests)).group_by(name))
        return {str(row[0]): int(row[1]) for row in rows}


def test_a_service_belongs_to_whoever_wrote_it_first_and_the_operator_may_write_it_too(database: Database) -> None:
    services = Services(lambda _: ())
    with database.begin() as connection:
        services.claim(connection, "shop", "acme", NOW)
    with database.begin() as connection:
        services.claim(connection, "shop", "acme", NOW)
        services.claim(connection, "shop", None, NOW)
        with pytest.raises(Problem) as refused:
            services.claim(connection, "shop", "bolt", NOW)
    assert refused.value.type is ProblemType.FORBIDDEN


@pytest.mark.parametrize("account_id", ["acme", None])
def test_the_platforms_own_service_is_nobodys(database: Database, account_id: str | None) -> None:
    with database.begin() as connection, pytest.raises(Problem) as refused:
        Services(lambda _: ()).claim(connection, "slipstream", account_id, NOW)
    assert refused.value.type is ProblemType.FORBIDDEN


def test_routes_beyond_the_first_500_count_as_other(database: Database) -> None:
    services = Services(lambda _: ())
    add(database, services, [seen(f"/{number}") for number in range(MOST_NAMES - 1)])
    add(database, services, [seen("/last"), seen("/late"), seen("/later"), seen("/0")])
    add(database, services, [seen("/late"), seen("/1")])

    routes = counted(database, "route")
    assert len(routes) == MOST_NAMES + 1
    assert (routes["__other__"], routes["/last"], routes["/0"], routes["/1"]) == (3, 1, 2, 2)


def test_a_route_that_an_slo_names_is_told_apart_however_late_it_comes(database: Database) -> None:
    named: set[str] = set()
    services = Services(lambda service: named if service == "shop" else ())
    add(database, services, [seen(f"/{number}") for number in range(MOST_NAMES)])
    add(database, services, [seen("/pay")])
    named.add("/pay")
    add(database, services, [seen("/pay"), seen("/else")])

    routes = counted(database, "route")
    assert (routes["/pay"], routes["__other__"]) == (1, 2)


def test_tiers_and_reasons_are_bounded_alike(database: Database) -> None:
    services = Services(lambda _: ())
    add(database, services, [seen(tier=f"t{number}", reason=f"r{number}") for number in range(MOST_NAMES + 1)])

    assert counted(database, "tier")["__other__"] == 1
    assert counted(database, "reason")["__other__"] == 1
    assert counted(database, "route") == {"/": MOST_NAMES + 1}


def test_accounts_are_bounded_alike_and_requests_of_nobody_stay_nobodys(database: Database) -> None:
    services = Services(lambda _: ())
    add(database, services, [seen(account=f"a{number}") for number in range(MOST_NAMES + 7)])
    add(database, services, [seen(account="a0"), seen()])

    requests = by_account(database)
    assert len(requests) == MOST_NAMES + 1
    assert (requests["__other__"], requests["a0"]) == (7, 2)
    assert counted(database, "route") == {"/": MOST_NAMES + 9}


def test_who_claims_to_be_an_account_that_was_erased_is_not_told_apart(
    database: Database, mirror: AccountMirror, world: World
) -> None:
    seconds = [0.0]
    here = Services(lambda _: (), clock=lambda: seconds[0])
    add(database, here, [seen(account="acme"), seen(account="bolt")])
    Erasures(database, mirror).begin("acme", by="operator", now=NOW)
    purged(database, "acme")

    seconds[0] += 60
    add(database, here, [seen(account="acme"), seen(account="bolt")])
    add(database, here, [seen(account="new")])
    add(database, Services(lambda _: ()), [seen(account="acme")])

    assert by_account(database) == {"__other__": 2, "bolt": 2, "new": 1}
    with database.begin() as connection:
        names = connection.exec_driver_sql("SELECT name FROM telemetry_names WHERE kind = 'account' ORDER BY 1")
        assert list(names.scalars()) == ["bolt", "new"]


def purged(database: Database, account_id: str) -> None:
    with database.begin() as connection:
        erasure = erasures_store.of_account(connection, account_id)
    assert erasure is not None
    assert sum(Purge(database, erasure, 100).run()) == 2


def by_account(database: Database) -> dict[str, int]:
    with database.begin() as connection:
        accounts = account_request_minutes.c
        rows = connection.execute(select(accounts.account_id, accounts.requests)).all()
    return {row.account_id: row.requests for row in rows}


def test_processes_that_add_names_at_the_same_time_agree_on_them(database: Database) -> None:
    here, there = Services(lambda _: ()), Services(lambda _: ())
    add(database, here, [seen("/first")])
    add(database, there, [seen(f"/{number}") for number in range(MOST_NAMES - 1)])
    add(database, here, [seen("/one too many"), seen("/0"), seen("/first")])

    routes = counted(database, "route")
    assert (routes["__other__"], routes["/0"], routes["/first"]) == (1, 2, 2)
