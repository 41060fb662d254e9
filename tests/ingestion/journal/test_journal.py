"""What scripts journal in Valkey comes to PostgreSQL once, whoever carries it and however often."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select
from structlog.testing import capture_logs

from app.core import keyspace
from app.core.alert_tables import notifications
from app.core.database import Database
from app.core.errors import DependencyUnavailableError
from app.core.metrics.limit_metrics import LimitMetrics
from app.core.tables import circuit_changes, notices
from ingestion.journal import journal_store
from ingestion.journal.journal import Journal, put_in_outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis
    from sqlalchemy import Connection

    from app.core.valkey import Valkey
    from ingestion.journal.records import Notice

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHARD = 3


def quota(**changed: Any) -> dict[str, Any]:
    entry = {"kind": "quota", "account": "acme", "period": "2026-11-22", "threshold": 80, "used": 81, "quota": 100}
    return entry | changed


def circuit(**changed: Any) -> dict[str, Any]:
    entry = {"kind": "circuit", "account": "acme", "before": "closed", "after": "open", "cause": "malformed-json"}
    return entry | changed


@pytest.fixture
def write(redis_client: redis.Redis) -> Callable[..., Any]:
    """Journals entries as scripts do."""

    def write(*entries: dict[str, Any]) -> None:
        for entry in entries:
            redis_client.xadd(keyspace.journal(SHARD), entry)

    return write


class Post:
    """A target that remembers, and fails when it is told to."""

    def __init__(self) -> None:
        self.delivered: list[str] = []
        self.away = False

    def __call__(self, connection: Connection, notice: Notice, now: datetime) -> None:
        if self.away:
            raise ConnectionError
        self.delivered.append(notice.notice_id)


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def journal(database: Database, valkey: Valkey, registry: CollectorRegistry, post: Post) -> Journal:
    return Journal(database, valkey, metrics=LimitMetrics(registry), deliver=post)


def count(database: Database, table: Any) -> int:
    with database.begin() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_entries_become_rows_and_leave_the_journal(
    journal: Journal, write: Any, database: Database, redis_client: redis.Redis
) -> None:
    write(quota(), circuit())

    assert journal.record([SHARD]) == 2

    with database.begin() as connection:
        (notice,) = journal_store.notices_of(connection, "acme", day="2026-11-22", month="2026-11")
        (change,) = journal_store.changes_of(connection, "acme", limit=10)
    assert (notice.notice_id, notice.used, notice.quota) == ("quota/acme/2026-11-22/80", 81, 100)
    assert (change.before, change.after, change.cause) == ("closed", "open", "malformed-json")
    assert redis_client.xlen(keyspace.journal(SHARD)) == 0
    assert journal.record(range(16)) == 0


def test_an_account_is_told_once_of_a_period_and_threshold(
    journal: Journal, write: Any, database: Database, post: Post
) -> None:
    """Also when Valkey has forgotten that it was told before."""
    write(quota(), quota(used=95), quota(threshold=100), quota(period="2026-11"), quota(account="bolt"))
    journal.record([SHARD])
    write(quota(used=99))
    journal.record([SHARD])

    journal.deliver(NOW)
    journal.deliver(NOW)

    assert sorted(post.delivered) == [
        "quota/acme/2026-11-22/100",
        "quota/acme/2026-11-22/80",
        "quota/acme/2026-11/80",
        "quota/bolt/2026-11-22/80",
    ]


def test_many_processes_record_and_deliver_each_once(
    database: Database, valkey: Valkey, write: Any, post: Post, registry: CollectorRegistry
) -> None:
    write(*(entry for number in range(15) for entry in (quota(account=f"a{number}"), circuit(account=f"a{number}"))))
    journals = [Journal(database, valkey, metrics=LimitMetrics(CollectorRegistry()), deliver=post) for _ in range(4)]
    barrier = threading.Barrier(4)

    def run(journal: Journal) -> None:
        barrier.wait()
        journal.record([SHARD])
        journal.deliver(NOW)

    threads = [threading.Thread(target=run, args=(journal,)) for journal in journals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(post.delivered) == sorted(f"quota/a{number}/2026-11-22/80" for number in range(15))
    assert (count(database, notices), count(database, circuit_changes)) == (15, 15)


def test_what_was_recorded_and_not_yet_deleted_is_recorded_again_to_no_effect(
    journal: Journal, write: Any, database: Database, redis_client: redis.Redis, registry: CollectorRegistry
) -> None:
    write(quota(), circuit())
    dump: Any = redis_client.dump(keyspace.journal(SHARD))
    journal.record([SHARD])
    redis_client.restore(keyspace.journal(SHARD), 0, dump, replace=True)

    journal.record([SHARD])

    assert (count(database, notices), count(database, circuit_changes)) == (1, 1)
    assert registry.get_sample_value("slipstream_circuit_changes_total", {"after": "open"}) == 1


def test_what_could_not_be_delivered_is_delivered_later(journal: Journal, write: Any, post: Post) -> None:
    write(quota())
    journal.record([SHARD])
    post.away = True

    assert journal.deliver(NOW) == 0
    post.away = False
    assert journal.deliver(NOW) == 1

    assert post.delivered == ["quota/acme/2026-11-22/80"]


def test_a_change_of_a_circuit_is_logged_once(journal: Journal, write: Any) -> None:
    write(circuit())

    with capture_logs() as lines:
        journal.record([SHARD])
        journal.record([SHARD])

    (line,) = [line for line in lines if line["event"] == "circuit_changed"]
    assert (line["log_level"], line["account_id"], line["after"]) == ("warning", "acme", "open")


def test_a_notice_goes_to_the_outbox_with_its_id(database: Database, valkey: Valkey, write: Any) -> None:
    journal = Journal(database, valkey, metrics=LimitMetrics(CollectorRegistry()), deliver=put_in_outbox)
    write(quota(), quota(threshold=100, used=100))
    journal.record([SHARD])

    assert journal.deliver(NOW) == 2
    assert journal.deliver(NOW) == 0

    with database.begin() as connection:
        rows = connection.execute(select(notifications)).all()
    assert {row.notification_id: row.payload["title"] for row in rows} == {
        "quota.acme.2026-11-22.80": "acme: its quota is used to 80 %",
        "quota.acme.2026-11-22.100": "acme: its quota is used up",
    }
    assert {(row.payload["urgency"], row.payload["event"]) for row in rows} == {("ticket", "quota.reached")}


def test_without_postgresql_nothing_leaves_the_journal(
    valkey: Valkey, write: Any, post: Post, redis_client: redis.Redis
) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing", pool_timeout_s=0.1)
    journal = Journal(nowhere, valkey, metrics=LimitMetrics(CollectorRegistry()), deliver=post)
    write(quota())

    with pytest.raises(DependencyUnavailableError):
        journal.record([SHARD])

    assert redis_client.xlen(keyspace.journal(SHARD)) == 1
    nowhere.close()


@pytest.mark.parametrize("strange", [{"kind": "comet"}, {"colour": "red"}, quota(threshold="many")])
def test_what_nobody_understands_is_logged_and_does_not_stop_the_rest(
    journal: Journal, write: Any, database: Database, strange: dict[str, Any]
) -> None:
    write(strange, quota())

    with capture_logs() as lines:
        assert journal.record([SHARD]) == 2

    assert [line["event"] for line in lines] == ["journal_entry_not_understood"]
    assert count(database, notices) == 1
