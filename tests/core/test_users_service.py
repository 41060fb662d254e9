from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher

from app.core import users_store
from app.core.audit import Audit
from app.core.audit_entry import Actor
from app.core.passwords import Passwords
from app.core.problems import Problem, ProblemType
from app.core.roles import Role
from app.core.sessions_service import Sessions
from app.core.users_service import Users

if TYPE_CHECKING:
    from app.core.database import Database

NOW = datetime.now(UTC)
ADMIN = Actor("ada", "192.0.2.7", "request-1")
PASSWORD = "a correct horse and a battery"


@pytest.fixture
def users(database: Database) -> Users:
    return Users(database, Passwords())


def test_a_user_is_found_by_name_and_password(users: Users) -> None:
    created = users.create("mia", "oncall", PASSWORD, by=ADMIN, now=NOW)

    assert users.by_password("mia", PASSWORD, NOW) == created
    assert users.by_password("mia", "a wrong horse and a battery", NOW) is None
    assert users.by_password("zoe", PASSWORD, NOW) is None
    assert users.by_password("\0", PASSWORD, NOW) is None
    assert users.every() == [created]


def test_every_change_is_in_the_record_with_who_and_from_where(users: Users, database: Database) -> None:
    users.create("mia", "viewer", PASSWORD, by=ADMIN, now=NOW)
    users.set_role("mia", "manager", by=ADMIN, now=NOW)
    users.set_password("mia", "another horse and a battery", by=ADMIN, now=NOW)
    users.set_disabled("mia", disabled=True, by=ADMIN, now=NOW)

    found = Audit(database).page(subject="mia", limit=10)

    assert [each.action for each in found] == ["users.disable", "users.set_password", "users.set_role", "users.create"]
    assert [each.detail for each in found] == [{}, {}, {"role": "manager"}, {"role": "viewer"}]
    assert {each.actor for each in found} == {ADMIN}


@pytest.mark.parametrize(
    ("username", "role", "password", "fields"),
    [
        ("Mia", "viewer", PASSWORD, {"username"}),
        ("operator", "viewer", PASSWORD, {"username"}),
        ("m\0ia", "viewer", PASSWORD, {"username"}),
        ("", "king", "short", {"username", "role", "password"}),
        ("mia", "viewer", "x" * 257, {"password"}),
    ],
)
def test_everything_that_is_wrong_is_said_at_once(
    users: Users, username: str, role: str, password: str, fields: set[str]
) -> None:
    with pytest.raises(Problem) as refused:
        users.create(username, role, password, by=ADMIN, now=NOW)

    assert {error.field for error in refused.value.errors} == fields


def test_a_name_is_taken_once_and_who_is_not_there_is_not_changed(users: Users) -> None:
    users.create("mia", "viewer", PASSWORD, by=ADMIN, now=NOW)

    with pytest.raises(Problem) as twice:
        users.create("mia", "admin", PASSWORD, by=ADMIN, now=NOW)
    with pytest.raises(Problem) as missing:
        users.set_role("zoe", "admin", by=ADMIN, now=NOW)

    assert (twice.value.type, missing.value.type) == (ProblemType.CONFLICT, ProblemType.NOT_FOUND)
    assert [user.role for user in users.every()] == [Role.VIEWER]


@pytest.mark.parametrize("how", ["disabled", "password"])
def test_who_is_disabled_or_has_another_password_is_out_at_once(users: Users, database: Database, how: str) -> None:
    users.create("mia", "viewer", PASSWORD, by=ADMIN, now=NOW)
    sessions = Sessions(database, admin_token=None)
    session_id = sessions.open("mia", NOW, by=Actor("mia"))
    assert sessions.find(session_id, NOW) is not None

    if how == "disabled":
        users.set_disabled("mia", disabled=True, by=ADMIN, now=NOW)
        assert users.by_password("mia", PASSWORD, NOW) is None
    else:
        users.set_password("mia", "another horse and a battery", by=ADMIN, now=NOW)

    assert sessions.find(session_id, NOW) is None


def test_another_role_holds_at_the_next_request(users: Users, database: Database) -> None:
    users.create("mia", "viewer", PASSWORD, by=ADMIN, now=NOW)
    sessions = Sessions(database, admin_token=None)
    session_id = sessions.open("mia", NOW, by=Actor("mia"))

    users.set_role("mia", "manager", by=ADMIN, now=NOW)

    session = sessions.find(session_id, NOW)
    assert session is not None
    assert session.role is Role.MANAGER


def test_a_cheap_hash_is_renewed_when_its_owner_signs_in(users: Users, database: Database) -> None:
    users.create("mia", "viewer", PASSWORD, by=ADMIN, now=NOW)
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with database.begin() as connection:
        users_store.change(connection, "mia", {"password_hash": cheap}, NOW)

    assert users.by_password("mia", PASSWORD, NOW) is not None

    with database.begin() as connection:
        found = users_store.find(connection, "mia")
    assert found is not None
    assert found[1] != cheap
    assert users.by_password("mia", PASSWORD, NOW) is not None


def test_an_identity_from_elsewhere_keeps_its_user_and_takes_its_role(users: Users) -> None:
    first = users.by_identity("https://id.example|7", "mia", Role.VIEWER, by=ADMIN, now=NOW)
    again = users.by_identity("https://id.example|7", "mia.berg", Role.MANAGER, by=ADMIN, now=NOW + timedelta(hours=1))

    assert (first.username, again.username) == ("mia", "mia")
    assert [(user.username, user.role) for user in users.every()] == [("mia", Role.MANAGER)]
    assert users.by_password("mia", "", NOW) is None


def test_nobody_takes_over_a_user_by_being_called_like_him_elsewhere(users: Users) -> None:
    users.create("mia", "admin", PASSWORD, by=ADMIN, now=NOW)

    for name in ("mia", "operator", "Not A Name"):
        with pytest.raises(Problem):
            users.by_identity("https://id.example|8", name, Role.ADMIN, by=ADMIN, now=NOW)


def test_who_is_disabled_here_does_not_come_in_from_elsewhere(users: Users) -> None:
    users.by_identity("https://id.example|7", "mia", Role.VIEWER, by=ADMIN, now=NOW)
    users.set_disabled("mia", disabled=True, by=ADMIN, now=NOW)

    with pytest.raises(Problem) as refused:
        users.by_identity("https://id.example|7", "mia", Role.VIEWER, by=ADMIN, now=NOW)

    assert refused.value.type is ProblemType.FORBIDDEN
