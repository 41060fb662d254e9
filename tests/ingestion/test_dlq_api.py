"""`/dlq`, as operators use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.core.http.body import BodyReaders
from app.core.http.guard import Guard
from app.factory import create_app
from app.task_queue import task_queue
from ingestion.dead_letter_queue import DeadLetterQueue
from ingestion.dlq_api import blueprint

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from app.core.authentication import Authenticator
    from app.core.database import Database
    from app.core.settings import Settings
    from app.core.valkey import Valkey
    from app.task_queue import TaskQueue
    from ingestion.writer import Writer
    from tests.conftest import World

OPERATOR = {"Authorization": "Bearer the-token-of-the-operator"}


@pytest.fixture
def tasks(settings: Settings, database: Database, valkey: Valkey) -> TaskQueue:
    return task_queue(settings, database, valkey)


@pytest.fixture
def dlq(authenticator: Authenticator, database: Database, tasks: TaskQueue) -> FlaskClient:
    routes = blueprint(DeadLetterQueue(database, tasks.replay), Guard(authenticator))
    app = create_app([routes], readers=BodyReaders(deadline_s=5, most=8), base_url="http://127.0.0.1")
    return app.test_client()


@pytest.fixture
def letters(writer: Writer, make_batch: Any) -> list[str]:
    """Five dead letters in the order in which they died: three of acme's, two of bolt's."""
    names = []
    for account_id, events in (("acme", 3), ("bolt", 2)):
        for _ in range(events):
            batch = make_batch({"event_id": "e", "type": "a", "payload": {"x": "\0"}}, account_id=account_id)
            writer.store([batch])
            names.append(f"{batch.batch_id}.0")
    return names


def run_tasks(tasks: TaskQueue) -> None:
    while tasks.huey.pending_count():
        task = tasks.huey.dequeue()
        tasks.huey.execute(task)


def mend(tables: Any) -> None:
    tables.connection.execute('UPDATE dead_letters SET body = \'{"event_id":"e","type":"a"}\'')


def listed(dlq: FlaskClient, query: str = "") -> list[str]:
    response = dlq.get(f"/dlq{query}", headers=OPERATOR)
    assert response.status_code == 200
    return [letter["id"] for letter in response.json["dead_letters"]]


def test_a_letter_says_everything_about_the_event(dlq: FlaskClient, letters: list[str]) -> None:
    response = dlq.get("/dlq?limit=1", headers=OPERATOR)

    (letter,) = response.json["dead_letters"]
    body = '{"event_id":"e","type":"a","payload":{"x": "\\u0000"}}'
    assert letter == {
        "id": letters[-1],
        "account_id": "bolt",
        "batch_id": letters[-1].removesuffix(".0"),
        "position": 0,
        "event_id": "e",
        "type": "a",
        "reason": "refused-by-store",
        "detail": "unsupported Unicode escape sequence (SQLSTATE 22P05)",
        "attempts": 1,
        "received_at": "2026-11-22T10:00:00.250000Z",
        "died_at": "2026-11-22T10:00:01Z",
        "body": body,
        "body_bytes": len(body),
    }


def test_pages_follow_one_another_and_miss_nobody(dlq: FlaskClient, letters: list[str]) -> None:
    seen: list[str] = []
    query = "?limit=2"
    while query:
        page = dlq.get(f"/dlq{query}", headers=OPERATOR).json
        seen += [letter["id"] for letter in page["dead_letters"]]
        query = f"?limit=2&after={page['next']}" if page["next"] else ""

    assert seen == letters[::-1]


def test_filters_name_an_account_and_a_reason(dlq: FlaskClient, letters: list[str]) -> None:
    assert sorted(listed(dlq, "?account_id=acme")) == letters[:3]
    assert listed(dlq, "?account_id=acme&reason=unreadable") == []
    assert listed(dlq, "?account_id=nobody") == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=٣",
        "account_id=%00",
        "reason=bad-luck",
        "after=x",
        "after=WzEsMl0",
        "after=%ff",
    ],
)
def test_a_query_that_makes_no_sense_is_refused(query: str, dlq: FlaskClient) -> None:
    response = dlq.get(f"/dlq?{query}", headers=OPERATOR)

    assert response.status_code == 400
    assert response.json["type"].endswith("/problems/malformed-request")


def test_a_replayed_letter_comes_back_as_a_stored_event(
    dlq: FlaskClient, letters: list[str], tasks: TaskQueue, tables: Any
) -> None:
    mend(tables)

    response = dlq.post(f"/dlq/{letters[0]}/replay", headers=OPERATOR)
    assert (response.status_code, response.json) == (202, {"enqueued": 1})
    assert len(listed(dlq)) == 5  # It leaves the list with its event's COMMIT.
    run_tasks(tasks)

    assert sorted(listed(dlq)) == sorted(letters[1:])
    assert tables.event_ids() == ["e"]


def test_all_letters_of_an_account_are_replayed(
    dlq: FlaskClient, letters: list[str], tasks: TaskQueue, tables: Any
) -> None:
    mend(tables)

    response = dlq.post("/dlq/replay?account_id=acme", headers=OPERATOR)
    assert (response.status_code, response.json) == (202, {"enqueued": 3})
    run_tasks(tasks)

    assert sorted(listed(dlq)) == sorted(letters[3:])
    assert tables.value("SELECT sum(revived) FROM batch_outcomes") == 3


def test_replaying_everything_twice_is_replaying_it_once(
    dlq: FlaskClient, letters: list[str], tasks: TaskQueue, tables: Any
) -> None:
    mend(tables)
    for _ in range(2):
        dlq.post("/dlq/replay", headers=OPERATOR)
    run_tasks(tasks)

    assert listed(dlq) == []
    assert tables.value("SELECT sum(stored + duplicates) FROM batch_outcomes") == 5


def test_a_purged_letter_is_gone_and_its_replay_finds_nothing(
    dlq: FlaskClient, letters: list[str], tasks: TaskQueue, tables: Any
) -> None:
    mend(tables)
    dlq.post(f"/dlq/{letters[0]}/replay", headers=OPERATOR)

    assert dlq.delete(f"/dlq/{letters[0]}", headers=OPERATOR).status_code == 204
    run_tasks(tasks)

    assert len(listed(dlq)) == 4
    assert tables.event_ids() == []
    assert tables.value("SELECT sum(dead) FROM batch_outcomes") == 5


@pytest.mark.parametrize("name", ["07n-1-1.0", "07n-1-1.99999999999999999999", "nonsense", "07n-1-1.-2", "%00.0"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/dlq/{}/replay"), ("DELETE", "/dlq/{}")])
def test_a_letter_that_is_not_there_is_not_found(method: str, path: str, name: str, dlq: FlaskClient) -> None:
    response = dlq.open(path.format(name), method=method, headers=OPERATOR)

    assert response.status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/dlq"), ("POST", "/dlq/replay"), ("POST", "/dlq/07n-1-1.0/replay"), ("DELETE", "/dlq/07n-1-1.0")],
)
def test_it_is_for_operators_alone(method: str, path: str, dlq: FlaskClient, world: World) -> None:
    tenant = {"Authorization": f"Bearer {world.alice.key}"}

    assert dlq.open(path, method=method).status_code == 401
    assert dlq.open(path, method=method, headers=tenant).status_code == 403
