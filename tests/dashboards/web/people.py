"""People in browsers, for tests: signed in without a password, which costs time, and with the token that forms need."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.core import users_store
from app.core.audit_entry import Actor
from app.core.sessions_service import Sessions, derived
from app.core.users import User

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from app.core.database import Database
    from app.core.roles import Role

COOKIE = "slipstream"


@dataclass(frozen=True)
class Person:
    """Somebody in front of a browser."""

    client: FlaskClient
    csrf: str = ""

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers=headers)

    def post(self, path: str, /, **fields: Any) -> TestResponse:
        return self.client.post(path, data={"csrf": self.csrf, **fields})


def text_of(response: TestResponse) -> str:
    """Return what a page says, without its marks."""
    html = re.sub(r"<(script|style).*?</\1>", " ", response.text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("\u202f", " ").split())


def person(app: Flask, database: Database, role: Role, *, name: str = "") -> Person:
    """Return somebody who has signed in, in a role."""
    now = datetime.now(UTC)
    username = name or f"{role}@example.com"
    with database.begin() as connection:
        user = User(username=username, role=role, disabled=False, created_at=now, updated_at=now)
        users_store.insert_new(connection, user, "not a hash")
    session_id = Sessions(database, admin_token=None).open(username, now, by=Actor(username))
    client = app.test_client()
    client.set_cookie(COOKIE, session_id)
    return Person(client, derived(session_id, "csrf"))


def stranger(app: Flask) -> Person:
    """Return somebody who has not signed in."""
    return Person(app.test_client())
