"""`/accounts`, `/tiers` and `/keys` as operators see them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from app.core.keys import new_key
from tests.app.api.conftest import ACME, issue

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.app.api.conftest import Call

ROUTES = [
    ("GET", "/accounts"),
    ("POST", "/accounts"),
    ("GET", "/accounts/acme"),
    ("PATCH", "/accounts/acme"),
    ("GET", "/tiers"),
    ("GET", "/tiers/free"),
    ("PUT", "/tiers/free"),
    ("PATCH", "/tiers/free"),
    ("GET", "/keys?account_id=acme"),
    ("POST", "/keys"),
    ("POST", "/keys/aaaaaaaaaaaa/rotate"),
    ("DELETE", "/keys/aaaaaaaaaaaa"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nobody_but_an_operator_is_let_in(client: FlaskClient, call: Call, acme: None, method: str, path: str) -> None:
    tenant = issue(call, scopes=["events:write", "summary:read", "telemetry:write"])["key"]

    strangers = [{}, {"Authorization": f"Bearer {new_key('acme').text}"}]
    assert [client.open(path, method=method, headers=who).status_code for who in strangers] == [401, 401]
    assert client.open(path, method=method, headers={"Authorization": f"Bearer {tenant}"}).status_code == 403


def test_an_account_is_created_shown_and_changed(call: Call) -> None:
    created = call("POST", "/accounts", ACME)
    shown = call("GET", created.headers["Location"])
    changed = call("PATCH", "/accounts/acme", {"tier": "enterprise", "overrides": {"daily_quota": None}, "shard": 3})

    assert (created.status_code, shown.status_code, changed.status_code) == (201, 200, 200)
    assert created.json == shown.json
    assert {**ACME, "overrides": {}, "ordered": False}.items() <= (created.json or {}).items()
    assert changed.json == call("GET", "/accounts/acme").json
    assert {"tier": "enterprise", "overrides": {"daily_quota": None}, "shard": 3}.items() <= (
        changed.json or {}
    ).items()


def test_an_id_that_is_taken_is_a_conflict(call: Call, acme: None) -> None:
    answer = call("POST", "/accounts", ACME)

    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")


def test_accounts_are_listed_in_pages(call: Call) -> None:
    for name in ("a", "b", "c"):
        call("POST", "/accounts", {**ACME, "account_id": name})

    first = call("GET", "/accounts?limit=2").json or {}
    second = call("GET", f"/accounts?limit=2&after={first['next']}").json or {}

    assert [account["account_id"] for account in first["accounts"]] == ["a", "b"]
    assert [account["account_id"] for account in second["accounts"]] == ["c"]
    assert second["next"] is None
    assert (call("GET", "/accounts?limit=1000").json or {})["next"] is None


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "limit=-1", "limit=٣", "limit=" + "9" * 5000, "after=a%00b"]
)
def test_a_query_that_cannot_be_read_is_refused(call: Call, query: str) -> None:
    answer = call("GET", f"/accounts?{query}")

    assert answer.status_code == 400
    assert (answer.json or {})["type"].endswith("/problems/malformed-request")


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/accounts", {**ACME, "colour": "red"}, "colour"),
        ("POST", "/accounts", {"account_id": "acme", "tier": "free"}, "name"),
        ("POST", "/accounts", {**ACME, "name": 5}, "name"),
        ("POST", "/accounts", {**ACME, "tier": "gold"}, "tier"),
        ("POST", "/accounts", {**ACME, "account_id": "a b"}, "account_id"),
        ("POST", "/accounts", {**ACME, "overrides": {"daily_quota": 0}}, "overrides.daily_quota"),
        ("POST", "/accounts", {**ACME, "overrides": {"colour": "red"}}, "overrides.colour"),
        ("POST", "/accounts", [], None),
        ("PATCH", "/accounts/acme", {"shard": 16}, "shard"),
        ("PATCH", "/accounts/acme", {"account_id": "other"}, "account_id"),
        ("PATCH", "/accounts/acme", {"overrides": {"lane": "overflow"}}, "overrides.lane"),
        ("PUT", "/tiers/free", {"events_per_minute": 1}, "events_burst"),
        ("PUT", "/tiers/Free!", {}, "events_per_minute"),
        ("PATCH", "/tiers/free", {"events_burst": 10**13}, "events_burst"),
        ("POST", "/keys", {"account_id": "acme", "scopes": ["everything"]}, "scopes[0]"),
        ("POST", "/keys", {"account_id": "acme", "scopes": []}, "scopes"),
        ("POST", "/keys", {"account_id": "nobody", "scopes": ["admin"]}, "account_id"),
        ("POST", "/keys", {"account_id": "acme", "scopes": ["admin"], "expires_at": "2000-01-01T00:00:00Z"}, "expires_at"),
        ("POST", "/keys", {"account_id": "acme", "scopes": ["admin"], "expires_at": "2100-01-01T00:00:00"}, "expires_at"),
        ("POST", "/keys", {"account_id": "acme", "scopes": ["admin"], "expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
        ("POST", "/keys/aaaaaaaaaaaa/rotate", {"overlap_seconds": -1}, "overlap_seconds"),
    ],
)  # fmt: skip
def test_a_body_that_is_not_valid_is_refused_with_the_name_of_the_field(
    call: Call, acme: None, method: str, path: str, body: Any, field: str | None
) -> None:
    answer = call(method, path, body)

    assert answer.status_code == 422
    problem = answer.json or {}
    assert problem["type"].endswith("/problems/invalid-request")
    assert [error.get("field") for error in problem["errors"]] == [field]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nonsense", b'{"a": NaN}', b"\xff", b'{"account_id": "\\ud800"}', b"[" * 100_000]
)
def test_a_body_that_is_not_json_is_refused(call: Call, body: bytes) -> None:
    answer = call("POST", "/accounts", data=body, content_type="application/json")

    assert answer.status_code in {400, 422}
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "text/xml"},
        {"content_type": "application/json", "environ_overrides": {"HTTP_CONTENT_ENCODING": "gzip"}},
    ],
)
def test_a_body_of_another_type_is_not_taken(call: Call, headers: dict[str, Any]) -> None:
    assert call("POST", "/accounts", data=json.dumps(ACME), **headers).status_code == 415


def test_a_body_without_a_limit_is_not_read(call: Call) -> None:
    assert call("POST", "/accounts", data=b" " * 1_000_001, content_type="application/json").status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/accounts/nobody", None),
        ("PATCH", "/accounts/nobody", {}),
        ("GET", "/accounts/no%00body", None),
        ("GET", "/tiers/gold", None),
        ("PATCH", "/tiers/go%00ld", {}),
        ("GET", "/keys?account_id=nobody", None),
        ("POST", "/keys/aaaaaaaaaaaa/rotate", {}),
        ("DELETE", "/keys/aaaaaaaaaaaa", None),
        ("DELETE", "/keys/%00", None),
    ],
)
def test_what_does_not_exist_is_not_found(call: Call, method: str, path: str, body: Any) -> None:
    answer = call(method, path, body)

    assert answer.status_code == 404
    assert (answer.json or {})["type"].endswith("/problems/not-found")


def test_tiers_are_listed_made_replaced_and_changed(call: Call) -> None:
    listed = call("GET", "/tiers").json or {}
    free = {name: value for name, value in listed["tiers"][0].items() if name not in {"name", "updated_at"}}

    made = call("PUT", "/tiers/trial", {**free, "events_burst": 1})
    replaced = call("PUT", "/tiers/trial", {**free, "monthly_quota": None})
    changed = call("PATCH", "/tiers/trial", {"lane": "high"})

    assert [tier["name"] for tier in listed["tiers"]] == ["free", "standard", "enterprise"]
    assert (made.status_code, replaced.status_code, changed.status_code) == (201, 200, 200)
    assert (made.json or {})["events_burst"] == 1
    shown = call("GET", "/tiers/trial").json or {}
    assert shown == changed.json
    assert (shown["events_burst"], shown["monthly_quota"], shown["lane"]) == (2_000, None, "high")


def test_an_answer_without_a_body_has_no_content_type(client: FlaskClient, call: Call, acme: None) -> None:
    revoked, options = call("DELETE", f"/keys/{issue(call)['key_id']}"), client.options("/events")

    assert (revoked.status_code, revoked.headers.get("Content-Type")) == (204, None)
    assert (options.status_code, options.headers.get("Content-Type")) == (200, None)
    assert client.head("/livez").content_type == "application/json"


def test_every_route_is_in_the_documentation(client: FlaskClient) -> None:
    paths = client.get("/openapi.json").get_json()["paths"]

    documented = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert {
        (method, path.partition("?")[0].replace("/acme", "/{id}").replace("/free", "/{name}").replace("/aaaaaaaaaaaa", "/{key_id}"))
        for method, path in ROUTES
    } <= documented  # fmt: skip
