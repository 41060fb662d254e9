"""An operator who calls, and an account of his."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    Call: TypeAlias = Callable[..., TestResponse]

ADMIN = {"Authorization": "Bearer the-token-of-the-operator"}
ACME = {"account_id": "acme", "name": "Acme, Inc.", "tier": "standard"}


@pytest.fixture
def call(client: FlaskClient) -> Call:
    """One request of the operator."""

    def send(method: str, path: str, body: Any = None, **more: Any) -> TestResponse:
        return client.open(path, method=method, headers=ADMIN, **({} if body is None else {"json": body}), **more)

    return send


@pytest.fixture
def acme(call: Call) -> None:
    assert call("POST", "/accounts", ACME).status_code == 201


def issue(call: Call, **more: Any) -> dict[str, Any]:
    answer = call("POST", "/keys", {"account_id": "acme", "scopes": ["summary:read"], **more})
    assert answer.status_code == 201, answer.text
    issued: dict[str, Any] = answer.json or {}
    return issued
