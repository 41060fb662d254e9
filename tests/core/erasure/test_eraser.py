"""Every erasure comes to its end, however little time a run has, and one process at a time erases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Text, event, func, insert, select

from app.core.erasure.eraser import Eraser
from app.core.erasure.erasure import State
from app.core.erasure.erasures import Erasures
from app.core.erasure.valkey_sweep import ValkeySweep
from app.core.queue.stream_huey import StreamHuey
from app.core.tables import metadata, telemetry_services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Table

    from app.core.database import Database
    from app.core.erasure.eraser import Own
    from app.core.erasure.erasure import Erasure
    from app.core.mirror import AccountMirror
    from app.core.valkey import Valkey
    from tests.conftest import World

NOW = datetime.now(UTC)
RUNS = 500
"""More than the steps that there are."""


@pytest.fixture
def erasures(database: Database, mirror: AccountMirror) -> Erasures:
    return Erasures(database, mirror)


@pytest.fixture
def eraser(database: Database, valkey: Valkey, mirror: AccountMirror) -> Callable[..., Eraser]:
    def make(*first: Own, step: int = 1_000) -> Eraser:
        sweep = ValkeySweep(valkey, valkey, StreamHuey(client=valkey))
        return Eraser(database, mirror, sweep, first=first, step=step, settles=timedelta(0))

    return make


def request(table: Table, account_id: str, service: str) -> dict[str, Any]:
    """Return a row of one request."""
    texts = {column.name: "x" for column in table.columns if isinstance(column.type, Text)}
    at = {"minute": NOW} if "minute" in table.c else {"bucket": NOW, "width": 15}
    counted = {"status": 200, "requests": 1, "buckets": [1], "counts": [1]}
    return texts | at | counted | {"account_id": account_id, "service": service}


def test_what_does_not_fit_into_a_run_goes_on_where_it_stopped(
    erasures: Erasures, eraser: Callable[..., Eraser], world: World
) -> None:
    begun = erasures.begin("acme", by="operator", now=NOW)
    looked: list[int] = []

    def revisions(_erasure: Erasure, _now: datetime) -> Iterator[dict[str, int]]:
        for revision in range(20):
            found = revision not in looked
            looked.append(revision)
            yield {"report_files": int(found)}

    short = eraser(revisions)
    runs = next(run for run in range(RUNS) if not short.run(NOW, 0))

    assert runs > 40
    assert looked == [*range(20), *range(20)]
    done = erasures.get(begun.erasure_id)
    assert (done.state, done.counts["report_files"]) == (State.DONE, 20)


def test_one_that_never_ends_or_fails_holds_up_no_other(
    erasures: Erasures, eraser: Callable[..., Eraser], world: World
) -> None:
    endless, failing = (erasures.begin(each, by="operator", now=NOW) for each in ("acme", "bolt"))
    last = erasures.begin("corner", by="operator", now=NOW + timedelta(seconds=1))

    def stuck(erasure: Erasure, _now: datetime) -> Iterator[dict[str, int]]:
        if erasure.digest == failing.digest:
            raise ArithmeticError
        while erasure.digest == endless.digest:
            yield {}

    short = eraser(stuck)
    for _ in range(RUNS):
        try:
            if short.run(NOW, 0) < 3:
                break
        except ArithmeticError:
            continue

    assert [erasures.get(each.erasure_id).state for each in (endless, failing, last)] == [
        State.CLOSED,
        State.CLOSED,
        State.DONE,
    ]


def test_a_second_run_leaves_the_work_to_the_first(
    erasures: Erasures, eraser: Callable[..., Eraser], world: World
) -> None:
    erasures.begin("acme", by="operator", now=NOW)
    nested: list[int] = []

    def beside(_erasure: Erasure, _now: datetime) -> Iterator[dict[str, int]]:
        nested.append(eraser(beside).run(NOW, 60))
        yield {}

    eraser(beside).run(NOW, 60)

    assert nested == [1]


def test_accounts_that_never_called_its_services_cost_no_transaction_each(
    erasures: Erasures, eraser: Callable[..., Eraser], database: Database, world: World
) -> None:
    services, accounts = [f"shop-{number}" for number in range(10)], [f"a{number:02}" for number in range(50)]
    tables = [metadata.tables[name] for name in ("account_request_minutes", "account_request_rollups")]
    with database.begin() as connection:
        connection.execute(
            insert(telemetry_services),
            [{"service": service, "account_id": "acme", "created_at": NOW} for service in services],
        )
        for table in tables:
            rows = [request(table, account, "other") for account in ["", *accounts]]
            rows += [request(table, account, service) for account in ("", "a00", "a31", "a49") for service in services]
            connection.execute(insert(table), rows)
    erasures.begin("acme", by="operator", now=NOW)
    transactions: list[object] = []
    event.listen(database.engine, "commit", transactions.append)

    pages = eraser(step=7)
    pages.run(NOW, 60)

    assert len(transactions) < len(services) * len(accounts)
    with database.begin() as connection:
        for table in tables:
            kept = connection.execute(select(table.c.service, func.count()).group_by(table.c.service)).all()
            assert [tuple(row) for row in kept] == [("other", len(accounts) + 1)]
    assert pages.run(NOW, 60) == 0
