"""Keys from their issue to their end, as operators and tenants see them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.app.api.conftest import issue
from tests.ingestion.admission.conftest import memory_limited

if TYPE_CHECKING:
    import redis
    from flask.testing import FlaskClient

    from tests.app.api.conftest import Call


def lets_in(client: FlaskClient, key: str) -> bool:
    answer = client.get("/accounts/acme/summary?window=1h", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code in {200, 401}, answer.text
    return answer.status_code == 200


def test_a_key_with_the_scope_admin_is_an_operators(client: FlaskClient, call: Call, acme: None) -> None:
    admin = issue(call, scopes=["admin"])["key"]

    assert client.get("/accounts", headers={"Authorization": f"Bearer {admin}"}).status_code == 200


def test_a_key_is_shown_once_and_never_kept_by_a_cache(client: FlaskClient, call: Call, acme: None) -> None:
    answer = call("POST", "/keys", {"account_id": "acme", "scopes": ["summary:read"]})
    key = (answer.json or {})["key"]

    listed = call("GET", "/keys?account_id=acme")

    assert answer.headers["Cache-Control"] == "no-store"
    assert lets_in(client, key)
    assert key.rpartition(".")[2] not in listed.text
    (only,) = (listed.json or {})["keys"]
    assert {**only, "last_used_at": None} == {
        name: value for name, value in (answer.json or {}).items() if name != "key"
    }


def test_a_revoked_key_is_out_at_the_next_request_and_may_be_revoked_again(
    client: FlaskClient, call: Call, acme: None
) -> None:
    issued = issue(call)
    assert lets_in(client, issued["key"])

    assert call("DELETE", f"/keys/{issued['key_id']}").status_code == 204
    assert not lets_in(client, issued["key"])
    assert call("DELETE", f"/keys/{issued['key_id']}").status_code == 204
    assert (call("GET", "/keys?account_id=acme").json or {})["keys"][0]["state"] == "revoked"


def test_a_rotated_key_holds_for_a_day_beside_the_new_one(client: FlaskClient, call: Call, acme: None) -> None:
    old = issue(call)

    answer = call("POST", f"/keys/{old['key_id']}/rotate")

    new = answer.json or {}
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert (new["scopes"], new["expires_at"]) == (["summary:read"], None)
    assert lets_in(client, old["key"])
    assert lets_in(client, new["key"])
    ends = datetime.fromisoformat((call("GET", "/keys?account_id=acme").json or {})["keys"][1]["expires_at"])
    assert timedelta(hours=23) < ends - datetime.now(UTC) <= timedelta(hours=24)


def test_a_key_rotated_without_overlap_is_out_at_once(client: FlaskClient, call: Call, acme: None) -> None:
    old = issue(call)

    new = call("POST", f"/keys/{old['key_id']}/rotate", {"overlap_seconds": 0}).json or {}

    assert not lets_in(client, old["key"])
    assert lets_in(client, new["key"])
    assert call("POST", f"/keys/{old['key_id']}/rotate").status_code == 409


def test_an_end_is_kept_in_utc_and_to_the_second(call: Call, acme: None) -> None:
    issued = issue(call, expires_at="2100-01-01T01:00:00.75+01:00")

    assert issued["expires_at"] == "2100-01-01T00:00:00Z"


def test_a_revocation_holds_also_in_a_full_valkey(
    client: FlaskClient, call: Call, acme: None, redis_client: redis.Redis
) -> None:
    issued = issue(call)
    with memory_limited(redis_client, 1):
        answer = call("DELETE", f"/keys/{issued['key_id']}")
        is_out = not lets_in(client, issued["key"])

    assert (answer.status_code, is_out) == (204, True)


def test_a_revocation_that_valkey_does_not_take_is_not_answered_as_done_and_can_be_repeated(
    client: FlaskClient, call: Call, acme: None, redis_client: redis.Redis
) -> None:
    issued = issue(call)
    redis_client.replicaof("127.0.0.1", "1")
    try:
        refused = call("DELETE", f"/keys/{issued['key_id']}")
    finally:
        redis_client.replicaof("NO", "ONE")

    assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
    assert call("DELETE", f"/keys/{issued['key_id']}").status_code == 204
    assert not lets_in(client, issued["key"])
