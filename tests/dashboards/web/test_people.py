from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.core.audit import Audit
from app.core.audit_entry import Actor
from app.core.passwords import Passwords
from app.core.roles import Role
from app.core.users_service import Users
from tests.dashboards.web.people import person, text_of

if TYPE_CHECKING:
    from app.composition import Api
    from app.core.database import Database
    from tests.dashboards.web.people import Person


def password_on(page: str) -> str:
    found = re.search(r'<code id="new-password">([^<]+)</code>', page)
    assert found is not None
    return found[1]


def test_somebody_is_added_with_a_password_that_is_shown_once(admin: Person, database: Database) -> None:
    page = admin.post("/ui/users", username="Mia", role="oncall").text
    password = password_on(page)

    found = Users(database, Passwords()).by_password("mia", password, datetime.now(UTC))
    assert found is not None
    assert found.role is Role.ONCALL
    assert password not in admin.get("/ui/users").text
    assert password not in str(Audit(database).page(limit=10))
    assert admin.post("/ui/users", username="mia", role="viewer").status_code == 409
    assert admin.post("/ui/users", username="operator", role="viewer").status_code == 422


def test_a_role_a_password_and_the_door_are_changed_at_once(admin: Person, api: Api, database: Database) -> None:
    mia = person(api.app, database, Role.VIEWER, name="mia")

    admin.post("/ui/users/mia/role", role="admin")
    assert mia.get("/ui/users").status_code == 200
    admin.post("/ui/users/mia/role", role="viewer")
    assert mia.get("/ui/users").status_code == 403
    admin.post("/ui/users/mia/disable")
    assert mia.get("/ui/").status_code == 303
    admin.post("/ui/users/mia/enable")
    page = admin.post("/ui/users/mia/password").text

    assert Users(database, Passwords()).by_password("mia", password_on(page), datetime.now(UTC)) is not None
    assert admin.post("/ui/users/zoe/disable").status_code == 404


def test_the_record_says_who_did_what_and_is_filtered(admin: Person, api: Api, database: Database) -> None:
    person(api.app, database, Role.VIEWER, name="mia")
    admin.post("/ui/users/mia/role", role="manager")

    page = text_of(admin.get("/ui/audit?subject=mia"))

    assert "admin@example.com users.set_role role: manager mia" in page
    assert "None matches" in text_of(admin.get("/ui/audit?actor=nobody"))
    assert admin.get("/ui/audit?before=x").status_code == 400


def test_the_record_says_what_everybody_is_and_what_was_refused(admin: Person, database: Database) -> None:
    audit = Audit(database)
    for name in ("acme/ab12cd34ef56", "cli:root", "operator", "link", "mia"):
        with audit.change(Actor(name), "things.change", name, now=datetime.now(UTC)):
            pass
    with pytest.raises(KeyError), audit.change(Actor("mia"), "things.change", "lost", now=datetime.now(UTC)):
        raise KeyError

    page = text_of(admin.get("/ui/audit"))

    assert "acme/ab12cd34ef56 API key things.change" in page
    assert "root command line things.change" in page
    assert "operator admin token things.change" in page
    assert "somebody by a link things.change" in page
    assert "mia things.change Refused reason: KeyError lost" in page


def test_the_menu_shows_a_viewer_what_is_for_viewers(viewer: Person, admin: Person) -> None:
    assert 'href="/ui/users"' not in viewer.get("/ui/").text
    assert 'href="/ui/users"' in admin.get("/ui/").text
