"""An account with rows in every table that can name one is erased, with SIGKILL on the way, and is nowhere any more."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import func, select, text

from app.core.accounts_service import NewAccount
from app.core.erasure.erasure import State
from app.core.erasure.erasures import Erasures
from app.core.erasure.valkey_sweep import ValkeySweep
from app.core.keys import TENANT_SCOPES
from app.core.problems import Problem
from app.core.queue.shard_queue import ShardQueue
from app.core.queue.stream_huey import StreamHuey
from app.core.slo_tables import rule_counts
from app.core.tables import batch_outcomes, metadata
from app.erasure_composition import make_eraser
from ingestion import balance
from ingestion.writer import Writer
from reporting.catalogue.catalogue import Catalogue
from reporting.reports import archive_store
from reporting.reports.archive import MODEL, Format, Paper, ReportOrder, encode_model, file_name
from reporting.reports.model import Kind
from reporting.reports.rendering import renderings
from tests.app.erasure import search
from tests.app.erasure.neighbour import Neighbour, send, store
from tests.app.erasure.seed import GONE, NAME, STAYS, concerned, seed, service_of
from tests.reporting.reports.sample import accounts as sample_accounts
from tests.reporting.reports.sample import good_month

if TYPE_CHECKING:
    from pathlib import Path

    import redis
    from flask.testing import FlaskClient
    from sqlalchemy import Connection

    from app.core.accounts_service import Accounts
    from app.core.database import Database
    from app.core.erasure.eraser import Eraser
    from app.core.keys_service import Keys
    from app.core.mirror import AccountMirror
    from app.core.settings import Settings
    from app.core.valkey import Valkey

SHARD = 5
"""Not that of its hash, so that the directory has it."""
FORMATS = (Format.JSON, Format.CSV, Format.MAIL)
IN_ITS_WORDS = search.pattern_of(GONE, NAME, service_of(GONE))
SLO = """
apiVersion: openslo/v1
kind: SLO
metadata: {{name: {name}}}
spec:
  description: For {about}.
  service: {service}
  indicator:
    metadata: {{name: {name}}}
    spec:
      ratioMetric:
        counter: true
        good: {{metricSource: {{type: slipstream, spec: {{source: {source}, filter: {{{total}, {good}}}}}}}}}
        total: {{metricSource: {{type: slipstream, spec: {{source: {source}, filter: {{{total}}}}}}}}}
  timeWindow: [{{duration: 30d, isRolling: true}}]
  budgetingMethod: Occurrences
  objectives: [{{target: 0.99}}]
---
"""
PROGRAM = """
import sys
from datetime import UTC, datetime, timedelta
from app.core.database import Database
from app.core.erasure.valkey_sweep import ValkeySweep
from app.core.mirror import AccountMirror
from app.core.queue.stream_huey import StreamHuey
from app.core.valkey import Valkey
from app.erasure_composition import make_eraser
from reporting.reports.rendering import renderings
database, valkey = Database(sys.argv[1]), Valkey(sys.argv[2])
sweep = ValkeySweep(valkey, valkey, StreamHuey(client=valkey))
make_eraser(database, AccountMirror(database, valkey), sweep, renderings, settles=timedelta(0)).run(datetime.now(UTC), 60)
"""


def archive_report(connection: Connection) -> None:
    """Keep a report on everybody, in which both accounts are among the others."""
    order = ReportOrder(kind=Kind.MONTHLY, period="2026-09", timezone="UTC")
    first, second, *others = sample_accounts(6)
    known = (
        msgspec.structs.replace(first, account_id=GONE, name=NAME),
        msgspec.structs.replace(second, account_id=STAYS, name="The neighbour"),
        *others,
    )
    report = msgspec.structs.replace(good_month(), report_id=order.report_id, accounts=known)
    archive_store.add(connection, order, revision=1, paper=Paper.A4, by=f"{GONE}/k3y", now=datetime.now(UTC))
    archived = archive_store.latest(connection, order.report_id)
    assert archived is not None
    files = {file_name(kind, Paper.A4): content for kind, content in renderings(report, FORMATS).files.items()}
    archive_store.save_files(connection, archived, {MODEL: encode_model(report), **files}.items())


def apply_slos(database: Database) -> None:
    alone = SLO.format(name=f"latency-of-{GONE.lower()}", about=GONE, service="slipstream", source="requests",
                       total=f"account_id: {GONE}", good='status: "<500"')  # fmt: skip
    owned = SLO.format(name="its-shop", about="a shop", service="shop", source="requests",
                       total=f"service: {service_of(GONE)}", good='status: "<500"')  # fmt: skip
    shared = SLO.format(name="both", about=f"{GONE} and {STAYS}", service="slipstream", source="events",
                        total=f"account_id: [{GONE}, {STAYS}]", good="type: x")  # fmt: skip
    theirs = SLO.format(name="theirs", about=STAYS, service="slipstream", source="events",
                        total=f"account_id: {STAYS}", good="type: x")  # fmt: skip
    Catalogue(database).apply(alone + owned + shared + theirs, by=f"{GONE}/k3y", now=datetime.now(UTC))


def books(connection: Connection) -> list[Any]:
    """The sums over all accounts that the platform's own numbers are made of."""
    table = rule_counts.c
    by_rule = select(table.rule_id, table.width, table.bucket, func.sum(table.good), func.sum(table.total))
    counted = by_rule.where(table.rule_id == "r1").group_by(table.rule_id, table.width, table.bucket)
    outcomes = select(*(func.sum(batch_outcomes.c[name]) for name in ("stored", "duplicates", "dead", "revived")))
    minutes = select(metadata.tables["outcome_minutes"])
    queries = (counted.order_by(table.width, table.bucket), outcomes, minutes)
    return [list(map(tuple, connection.execute(query))) for query in queries]


@pytest.fixture
def eraser(database: Database, valkey: Valkey, mirror: AccountMirror) -> Eraser:
    sweep = ValkeySweep(valkey, valkey, StreamHuey(client=valkey))
    return make_eraser(database, mirror, sweep, renderings, settles=timedelta(0))


@pytest.fixture
def erasures(database: Database, mirror: AccountMirror) -> Erasures:
    return Erasures(database, mirror)


def test_an_erased_account_is_nowhere_and_nobody_else_has_lost_anything(
    client: FlaskClient,
    settings: Settings,
    database: Database,
    valkey: Valkey,
    redis_client: redis.Redis,
    accounts: Accounts,
    keys: Keys,
    erasures: Erasures,
    eraser: Eraser,
    tmp_path: Path,
) -> None:
    now = datetime.now(UTC)
    gone_key, their_key = (open_account(accounts, keys, each, now) for each in (GONE, STAYS))
    apply_slos(database)
    with database.begin() as connection:
        seed(connection)
        archive_report(connection)
    queue, writer = ShardQueue(valkey), Writer(database, statement_events=100, clock=lambda: datetime.now(UTC))
    shard = accounts.get(STAYS).shard
    for leased in (SHARD, shard):
        valkey.execute("SET", f"{{s{leased:02d}}}:lease", "me")
    assert send(client, gone_key, "waits") == 202
    assert summary(client, gone_key) == 200
    huey = StreamHuey(client=valkey)
    replay = huey.serialize_task(huey.task(name="replay")(print).s(GONE, ["x.0"]))
    huey.storage.add_to_schedule(replay, now + timedelta(hours=1))
    with database.begin() as connection:
        everywhere = {row.partition(":")[0] for row in search.rows_with(connection, IN_ITS_WORDS)}
        others, sums = search.rows_without(connection, IN_ITS_WORDS), books(connection)
    assert everywhere == {table.name for table in concerned()} | SEEDED_BY_HAND
    assert len(search.keys_with(redis_client, IN_ITS_WORDS)) > 6

    with Neighbour(client, their_key, writer, queue, shard) as neighbour:
        begun = erasures.begin(GONE, by=f"{GONE}/k3y", now=datetime.now(UTC))

        assert send(client, gone_key, "late") == 401
        with pytest.raises(Problem, match="erased"):
            accounts.create(NewAccount(account_id=GONE, name="again", tier="free"), now)
        eraser.run(datetime.now(UTC), 60)
        assert count(database, "events") == 3, "what was accepted is stored before anything is deleted"
        store(writer, queue, SHARD)
        assert killed(settings, tmp_path) == [-9, -9, -9]
        while eraser.run(datetime.now(UTC), 60):
            pass

    done = erasures.get(begun.erasure_id)
    assert (done.state, done.account_id, (*done.words, *done.labels, *done.services)) == (State.DONE, None, ())
    assert done.requested_by == f"erased:{done.erasure_id}/k3y"
    assert {table for table, rows in done.counts.items() if rows} >= {table.name for table in concerned()} - {
        "telemetry_services"
    }
    with database.begin() as connection:
        assert search.rows_with(connection, IN_ITS_WORDS) == []
        after = search.rows_without(connection, IN_ITS_WORDS)
    assert search.keys_with(redis_client, IN_ITS_WORDS) == []
    assert neighbour.errors == []
    assert set(neighbour.answers) == {202}
    for table, rows in others.items():
        if table not in CHANGES_MEANWHILE:
            assert not set(rows) - set(after[table]), table
    check_books(database, valkey, sums, stored=1 + len(neighbour.answers))


SEEDED_BY_HAND = {"accounts", "api_keys", "slo_objects", "slo_versions", "counting_rules", "report_files"}
CHANGES_MEANWHILE = {
    "counting_rules",
    "slo_versions",
    "slo_objects",
    "api_keys",
    "accounts",
    "signing_keys",
    "erasures",
}
"""The neighbour's requests and what is counted for him go on; what of it must hold is looked at by itself."""


def open_account(accounts: Accounts, keys: Keys, account_id: str, now: datetime) -> str:
    name = NAME if account_id == GONE else "The neighbour"
    shard = SHARD if account_id == GONE else None
    accounts.create(NewAccount(account_id=account_id, name=name, tier="standard", shard=shard), now)
    return keys.create(account_id, TENANT_SCOPES, now=now).text


def summary(client: FlaskClient, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return client.get(f"/accounts/{GONE}/summary?window=1h", headers=headers).status_code


def killed(settings: Settings, tmp_path: Path) -> list[int]:
    """Have three processes erase that are killed before a commit, after one, and when all of it is done."""
    names = ("erasure.before_commit", "erasure.after_commit", "erasure.purged")
    return [
        subprocess.run(
            [sys.executable, "-c", PROGRAM, settings.database_url, settings.redis_url],
            env={"SLIPSTREAM_FAILPOINTS": f"{name}=kill@{tmp_path / name}", "PYTHONPATH": ":".join(sys.path)},
            check=False,
        ).returncode
        for name in names
    ]


def count(database: Database, table: str) -> int:
    with database.begin() as connection:
        query = select(func.count()).select_from(metadata.tables[table]).where(text("account_id = :gone"))
        return int(connection.execute(query, {"gone": GONE}).scalar_one())


def check_books(database: Database, valkey: Valkey, before: list[Any], *, stored: int) -> None:
    with database.begin() as connection:
        counted, outcomes, minutes = books(connection)
    assert counted == before[0]
    assert outcomes[0][0] == before[1][0][0] + stored
    assert outcomes[0][1:] == before[1][0][1:]
    assert set(minutes) >= set(before[2])
    now = balance.balance(database, valkey)
    # Rows that were seeded were never accepted by Valkey.
    assert now.accepted == stored
    assert now.in_flight == 0
    assert now.stored - before[1][0][0] == stored
