"""`DELETE /accounts/{id}` and `/erasures` as operators see them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.core.audit import Audit
from app.core.erasure.erasures import Erasures
from app.core.erasure.valkey_sweep import ValkeySweep
from app.core.errors import DependencyError
from app.core.http.paging import write_cursor
from app.core.mirror import AccountMirror
from app.core.queue.stream_huey import StreamHuey
from app.core.valkey import Valkey
from app.erasure_composition import make_eraser
from reporting.reports.rendering import renderings
from tests.app.api.conftest import ADMIN
from tests.app.erasure.search import pattern_of, rows_with

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from app.core.database import Database
    from app.core.erasure.eraser import Eraser
    from tests.conftest import World


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_deleted_account_is_closed_at_once_and_its_erasure_says_how_far_it_is(
    client: FlaskClient, world: World
) -> None:
    deleted = client.delete("/accounts/acme", headers=ADMIN)

    assert deleted.status_code == 202
    assert deleted.headers["Location"] == f"/erasures/{deleted.json['erasure_id']}"
    shown = client.get(deleted.headers["Location"], headers=ADMIN).json
    assert (shown["state"], shown["requested_by"], shown["done_at"]) == ("closed", "operator", None)
    assert shown["counts"] == {"accounts": 1, "api_keys": 1}
    assert shown == deleted.json
    assert client.get("/erasures", headers=ADMIN).json == {"erasures": [shown], "next": None}
    assert client.get("/accounts/acme/usage", headers=bearer(world.alice.key)).status_code == 401
    assert client.get("/accounts/acme", headers=ADMIN).status_code == 404
    assert client.get("/accounts/bolt/usage", headers=bearer(world.bob.key)).status_code == 200


def test_who_repeats_it_after_a_failure_ends_the_keys_that_still_hold(
    client: FlaskClient, world: World, database: Database
) -> None:
    own = bearer(world.alice.key)
    away = Erasures(database, AccountMirror(database, Valkey("redis://127.0.0.1:1")))
    with pytest.raises(DependencyError):
        away.begin("acme", by="operator", now=datetime.now(UTC))
    assert client.get("/accounts/acme/usage", headers=own).status_code == 200

    repeated = client.delete("/accounts/acme", headers=ADMIN)

    assert (repeated.status_code, repeated.json["state"]) == (202, "closed")
    assert client.get("/accounts/acme/usage", headers=own).status_code == 401


@pytest.fixture
def eraser(database: Database, valkey: Valkey, mirror: AccountMirror) -> Eraser:
    sweep = ValkeySweep(valkey, valkey, StreamHuey(client=valkey))
    return make_eraser(database, mirror, sweep, renderings, settles=timedelta(0))


@pytest.mark.parametrize(("method", "path", "status"), [("DELETE", "/accounts/acme", 202), ("POST", "/accounts", 409)])
def test_an_id_that_is_used_after_its_erasure_leaves_the_record_again(
    client: FlaskClient, world: World, database: Database, eraser: Eraser, method: str, path: str, status: int
) -> None:
    erasure = client.delete("/accounts/acme", headers=ADMIN).headers["Location"]
    finish(eraser)
    assert client.get(erasure, headers=ADMIN).json["state"] == "done"
    body = {"account_id": "acme", "name": "Acme", "tier": "free"} if method == "POST" else None

    assert client.open(path, method=method, headers=ADMIN, json=body).status_code == status

    assert "acme" in recorded(database)
    assert client.get(erasure, headers=ADMIN).json["state"] == "closed"
    finish(eraser)
    assert client.get(erasure, headers=ADMIN).json["state"] == "done"
    assert recorded(database) == {erasure.replace("/erasures/", "erased:")}


USES: list[tuple[str, str, dict[str, Any] | None, int]] = [
    ("PATCH", "/accounts/acme", {"tier": "free"}, 404),
    ("POST", "/keys", {"account_id": "acme", "scopes": ["events:write"]}, 422),
    ("DELETE", "/accounts/acme/circuit", None, 404),
    ("POST", "/dlq/replay?account_id=acme", None, 202),
    ("POST", "/reports", {"kind": "weekly", "account_id": "acme"}, 422),
    ("POST", "/report-subscriptions", {"kind": "weekly", "account_id": "acme"}, 422),
]


def test_whoever_uses_the_id_of_an_erased_account_leaves_it_nowhere(
    client: FlaskClient, world: World, database: Database, eraser: Eraser
) -> None:
    erasure = client.delete("/accounts/acme", headers=ADMIN).headers["Location"]
    finish(eraser)

    for method, path, body, status in USES:
        answer = client.open(path, method=method, headers=ADMIN, json=body)
        assert (path, answer.status_code) == (path, status)

    finish(eraser)
    assert client.get(erasure, headers=ADMIN).json["state"] == "done"
    with database.begin() as connection:
        assert rows_with(connection, pattern_of("acme")) == []


@pytest.mark.parametrize("name", ["\0", "inc_07d2e4b836005f1c", ""])
def test_a_place_that_no_page_ended_at_is_refused(client: FlaskClient, name: str) -> None:
    after = write_cursor((datetime.now(UTC), name))

    assert client.get(f"/erasures?after={after}", headers=ADMIN).status_code == 400


def finish(eraser: Eraser) -> None:
    while eraser.run(datetime.now(UTC), 60):
        pass


def recorded(database: Database) -> set[str]:
    return {entry.subject for entry in Audit(database).page(limit=100)}


def test_deleting_again_answers_the_same_and_the_id_is_never_given_again(client: FlaskClient, world: World) -> None:
    first = client.delete("/accounts/acme", headers=ADMIN).json

    again = client.delete("/accounts/acme", headers=ADMIN)
    created = client.post("/accounts", headers=ADMIN, json={"account_id": "acme", "name": "Acme", "tier": "free"})

    assert (again.status_code, again.json["erasure_id"]) == (202, first["erasure_id"])
    assert created.status_code == 409
    assert client.delete("/accounts/nobody", headers=ADMIN).status_code == 404
    assert client.delete("/accounts/%00", headers=ADMIN).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/accounts/acme"), ("DELETE", "/accounts/bolt"), ("GET", "/erasures"), ("GET", "/erasures/x")],
)
def test_an_account_erases_nobody_not_even_itself(client: FlaskClient, world: World, method: str, path: str) -> None:
    answer = client.open(path, method=method, headers=bearer(world.alice.key))

    assert answer.status_code in {403, 404}
    assert client.get("/accounts/acme", headers=ADMIN).status_code == 200


def test_pages_of_erasures_go_on_where_the_one_before_ended(client: FlaskClient, world: World) -> None:
    begun = [
        client.delete(f"/accounts/{each}", headers=ADMIN).json["erasure_id"] for each in ("acme", "bolt", "corner")
    ]

    first = client.get("/erasures?limit=2", headers=ADMIN).json
    second = client.get(f"/erasures?limit=2&after={first['next']}", headers=ADMIN).json

    assert [each["erasure_id"] for each in (*first["erasures"], *second["erasures"])] == begun[::-1]
    assert second["next"] is None
    assert client.get("/erasures?after=x", headers=ADMIN).status_code == 400
    assert client.get("/erasures/%00", headers=ADMIN).status_code == 404
    assert client.get("/erasures/0000000000000000", headers=ADMIN).status_code == 404
