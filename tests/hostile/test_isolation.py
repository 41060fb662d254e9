"""Who may call what, and whose it may be: generated of every route that keys open, by every kind of caller.

The routes of pages have a matrix of their own: `tests/dashboards/web/test_who_may.py`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.core.http.guard import authorisation_of
from app.core.keys import TENANT_SCOPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from app.composition import Api
    from app.core.keys_service import Keys
    from app.core.settings import Settings
    from tests.conftest import World

PUBLIC = {
    "/", "/ack/<token>", "/docs", "/livez", "/metrics", "/openapi.json", "/problems/<slug>", "/readyz", "/status",
    "/status.atom", "/status.json", "/status/badges/<service>.svg", "/ui/login", "/ui/login/oidc",
    "/ui/login/oidc/callback", "/ui/static/<version>/<path:name>", "/unsubscribe/<token>",
}  # fmt: skip
"""Routes that ask nobody who he is; those with a token look at that, and `/metrics` at where it is asked from."""
SIGNING_IN_ELSEWHERE = {"/ui/login/oidc", "/ui/login/oidc/callback"}
"""Only there where it is set up."""
OF_ACCOUNTS = {
    ("POST", "/events"): "events:write",
    ("GET", "/batches/<batch_id>"): "events:write",
    ("GET", "/accounts/<account_id>/summary"): "summary:read",
    ("GET", "/accounts/<account_id>/usage"): "summary:read",
    ("POST", "/telemetry"): "telemetry:write",
}
"""Routes that an account's keys open, and by which scope. Whose things they are about is tested below, one by one."""
EVENT = {"event_id": "1", "type": "x"}
REQUEST = {"timestamp": "2026-11-01T00:00:00Z", "route": "/pay", "method": "GET", "status": 200, "duration_ms": 1}


def routes(api: Api) -> Iterator[tuple[str, str, str]]:
    """Every method and route with its rule."""
    for rule in api.app.url_map.iter_rules():
        declared = authorisation_of(api.app.view_functions[rule.endpoint]) or ""
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            yield method, rule.rule, declared


def guarded(api: Api) -> list[tuple[str, str, str]]:
    """Every method and address that keys open, with the scope; where an account is named, it is Alice's."""
    found = []
    for method, route, declared in routes(api):
        if declared.startswith("scope "):
            path = route.replace("<account_id>", "acme")
            for mark in ("<", ">"):
                path = path.replace(mark, "")
            found.append((method, path, declared.removeprefix("scope ")))
    return found


def call(client: FlaskClient, method: str, path: str, key: str | None, body: Any = None) -> TestResponse:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return client.open(path, method=method, headers=headers, json=body)


def said(response: TestResponse) -> dict[str, Any]:
    """Return what a problem says, without the name of its request."""
    assert response.json is not None
    return {name: value for name, value in response.json.items() if name != "request_id"}


def test_every_route_is_public_by_name_or_opened_by_a_key_or_a_page(api: Api) -> None:
    declared = list(routes(api))

    public = {route for _, route, rule in declared if rule == "public"}
    assert public | SIGNING_IN_ELSEWHERE == PUBLIC
    assert {
        (method, route): rule.removeprefix("scope ")
        for method, route, rule in declared
        if rule.startswith("scope ") and rule != "scope admin"
    } == OF_ACCOUNTS
    rest = {rule for _, _, rule in declared} - {"public", "scope admin"}
    assert all(rule.startswith(("session ", "scope ")) for rule in rest)


@pytest.mark.parametrize("who", ["nobody", "no key of ours", "revoked", "expired", "a changed secret"])
def test_who_has_no_valid_key_is_told_so_and_nothing_else(
    api: Api, client: FlaskClient, world: World, keys: Keys, who: str
) -> None:
    now = datetime.now(UTC)
    revoked = keys.create("acme", TENANT_SCOPES, now=now)
    keys.revoke(revoked.key.key_id, now)
    expired = keys.create("acme", TENANT_SCOPES, now=now - timedelta(days=2), expires_at=now - timedelta(days=1))
    key = {
        "nobody": None,
        "no key of ours": "not-a-key",
        "revoked": revoked.text,
        "expired": expired.text,
        "a changed secret": world.alice.key[:-1] + ("A" if world.alice.key[-1] != "A" else "B"),
    }[who]
    answers = {}

    for method, path, _ in guarded(api):
        answer = call(client, method, path, key)
        assert answer.status_code == 401, (method, path)
        answers[json.dumps(said(answer))] = (method, path)

    assert len(answers) == 1, "Every answer is the same, word for word."


def test_a_key_opens_what_its_scope_says_and_nothing_else(
    api: Api, client: FlaskClient, world: World, keys: Keys
) -> None:
    for method, path, scope in guarded(api):
        lesser = set(TENANT_SCOPES) - {scope}
        key = keys.create("acme", lesser, now=datetime.now(UTC)).text

        answer = call(client, method, path, key, {"events": [EVENT]} if path == "/events" else None)

        assert answer.status_code == 403, (method, path)
        assert scope in said(answer)["detail"]


def test_an_account_s_key_is_let_in_where_its_scope_is_asked_for(api: Api, client: FlaskClient, world: World) -> None:
    for method, path, scope in guarded(api):
        answer = call(client, method, path, world.alice.key)
        assert (answer.status_code in {401, 403}) == (scope == "admin"), (method, path)


def test_an_operator_is_let_in_everywhere_but_where_an_account_is_asked_for(
    api: Api, client: FlaskClient, settings: Settings, world: World
) -> None:
    refused = {
        (method, path)
        for method, path, _ in guarded(api)
        if call(client, method, path, settings.admin_token).status_code in {401, 403}
    }

    assert refused <= {("POST", "/events"), ("GET", "/batches/batch_id"), ("POST", "/telemetry")}


def test_another_account_looks_like_one_that_is_not_there(api: Api, client: FlaskClient, world: World) -> None:
    for method, path, scope in guarded(api):
        if scope == "admin" or "acme" not in path:
            continue

        theirs = call(client, method, path, world.bob.key)
        missing = call(client, method, path.replace("acme", "nowhere"), world.bob.key)

        assert (theirs.status_code, missing.status_code) == (404, 404), path
        assert said(theirs) == said(missing)


def test_another_account_s_batch_looks_like_one_that_is_not_there(client: FlaskClient, world: World) -> None:
    taken = call(client, "POST", "/events", world.alice.key, {"events": [EVENT]}).json
    assert taken is not None
    batch_id = taken["batch_id"]

    own, theirs = (call(client, "GET", f"/batches/{batch_id}", member.key) for member in (world.alice, world.bob))
    missing = call(client, "GET", f"/batches/{batch_id[:-1]}7", world.bob.key)

    assert own.status_code == 200
    assert (theirs.status_code, said(theirs)) == (404, said(missing))


def test_nobody_writes_events_of_another_account(client: FlaskClient, world: World) -> None:
    event = EVENT | {"account_id": "acme"}

    answer = call(client, "POST", "/events", world.bob.key, {"events": [event]})

    assert answer.status_code == 403


def test_another_account_s_idempotency_key_is_another_key(client: FlaskClient, world: World) -> None:
    answers = [
        client.post(
            "/events",
            json={"events": [EVENT | {"event_id": member.account_id}]},
            headers={"Authorization": f"Bearer {member.key}", "Idempotency-Key": "the-same"},
        )
        for member in (world.alice, world.bob)
    ]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert len({answer.json["batch_id"] for answer in answers if answer.json}) == 2


def test_nobody_writes_telemetry_of_another_account_s_service_or_of_the_platform(
    client: FlaskClient, world: World
) -> None:
    def send(key: str, service: str) -> int:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        body = {"service": service, "requests": [REQUEST | {"timestamp": now}]}
        return call(client, "POST", "/telemetry", key, body).status_code

    assert send(world.alice.key, "checkout") == 202
    assert send(world.bob.key, "checkout") == 403
    assert send(world.bob.key, "slipstream") in {403, 422}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/accounts", {"account_id": "mine", "name": "Mine", "tier": "free", "operator": True}),
        ("PATCH", "/accounts/acme", {"account_id": "bolt"}),
        ("POST", "/keys", {"account_id": "acme", "scopes": ["events:write"], "key_id": "abcdefghijkl"}),
        ("POST", "/incidents", {"title": "x", "service": "x", "role": "admin"}),
        ("POST", "/silences", {"reason": "x", "author": "somebody else"}),
        ("POST", "/maintenance", {"title": "x", "created_by": "x"}),
        ("POST", "/reports", {"kind": "monthly", "period": "2026-10", "state": "done"}),
    ],
)
def test_a_field_that_nobody_may_set_is_refused_by_name(
    client: FlaskClient, settings: Settings, world: World, method: str, path: str, body: Any
) -> None:
    answer = call(client, method, path, settings.admin_token, body)

    assert answer.status_code == 422, answer.json
    assert said(answer)["errors"]
