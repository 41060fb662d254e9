"""Who may call what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask

from app.core.http.body import BodyReaders
from app.core.http.guard import Guard, authorisation_of, require_rules
from app.factory import create_app
from tests.core.http.conftest import KnownTokens, Recording, views

if TYPE_CHECKING:
    from flask.testing import FlaskClient


def get(client: FlaskClient, path: str, token: str) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {token}", "X-Request-Id": "request-1"}
    response = client.get(path, headers=headers)
    return response.status_code, response.data


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/hello", "", 200),
        ("/accounts/acme/summary", "reader", 200),
        ("/accounts/acme/summary", "writer", 403),
        ("/accounts/acme/summary", "stranger", 401),
        ("/accounts/acme/summary", "operator", 200),
        ("/accounts/bolt/summary", "reader", 404),
        ("/accounts/bolt/summary", "operator", 200),
        ("/operators", "operator", 200),
        ("/operators", "reader", 403),
        ("/operators", "stranger", 401),
    ],
)
def test_a_rule_lets_in_whom_it_names(client: FlaskClient, path: str, token: str, status: int) -> None:
    assert get(client, path, token)[0] == status


def test_another_account_looks_like_one_that_is_not_there(client: FlaskClient) -> None:
    assert get(client, "/accounts/bolt/summary", "reader") == get(client, "/accounts/no-such/summary", "reader")


def test_a_scheme_may_be_written_in_any_case(client: FlaskClient) -> None:
    assert client.get("/operators", headers={"Authorization": "bEaReR operator"}).status_code == 200


def test_a_view_says_its_rule() -> None:
    guard = Guard(KnownTokens())

    @guard.scope("summary:read")
    def view() -> str:
        return ""

    assert authorisation_of(view) == "scope summary:read"
    assert authorisation_of(guard.by_admission(lambda: "")) == "scope events:write"


def test_an_app_with_a_view_that_has_no_rule_is_not_built() -> None:
    app = Flask("test", static_folder=None)
    app.add_url_rule("/open", "open", lambda: "")

    with pytest.raises(LookupError, match="open"):
        require_rules(app)


def test_the_factory_holds_that() -> None:
    routes = views(Guard(KnownTokens()), Recording())
    routes.add_url_rule("/open", "open", lambda: "")

    with pytest.raises(LookupError, match=r"test\.open"):
        create_app([routes], readers=BodyReaders(deadline_s=1, most=1), base_url="http://127.0.0.1")
