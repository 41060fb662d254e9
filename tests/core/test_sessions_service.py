from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.core.access_tables import sessions as table
from app.core.audit_entry import Actor
from app.core.roles import Role
from app.core.sessions_service import IDLE, LONGEST, Sessions
from app.core.users import OPERATOR

if TYPE_CHECKING:
    from app.core.database import Database

NOW = datetime.now(UTC)
SOMEBODY = Actor(OPERATOR, "192.0.2.7")
TOKEN = "the-token-of-the-operator"


@pytest.fixture
def sessions(database: Database) -> Sessions:
    return Sessions(database, admin_token=TOKEN)


def test_the_id_of_a_session_is_nowhere_but_in_the_browser(sessions: Sessions, database: Database) -> None:
    session_id = sessions.open(OPERATOR, NOW, by=SOMEBODY)

    with database.begin() as connection:
        (row,) = connection.execute(select(table)).all()
    assert len(session_id) >= 43
    assert session_id not in str(row)
    assert row.address == "192.0.2.7"


def test_the_operator_is_an_admin(sessions: Sessions) -> None:
    session = sessions.find(sessions.open(OPERATOR, NOW, by=SOMEBODY), NOW)

    assert session is not None
    assert (session.username, session.role) == (OPERATOR, Role.ADMIN)


def test_every_session_has_an_id_and_a_token_of_its_own(sessions: Sessions) -> None:
    ids = {sessions.open(OPERATOR, NOW, by=SOMEBODY) for _ in range(3)}
    found = [sessions.find(each, NOW) for each in ids]

    assert len({session.csrf for session in found if session is not None}) == 3
    assert not ids & {session.csrf for session in found if session is not None}


def test_a_session_that_nobody_uses_ends(sessions: Sessions) -> None:
    session_id = sessions.open(OPERATOR, NOW, by=SOMEBODY)

    assert sessions.find(session_id, NOW + IDLE - timedelta(seconds=1)) is not None
    assert sessions.find(session_id, NOW + 2 * IDLE - timedelta(seconds=2)) is not None
    assert sessions.find(session_id, NOW + 3 * IDLE) is None


def test_a_session_that_is_used_all_the_time_ends_as_well(sessions: Sessions) -> None:
    session_id = sessions.open(OPERATOR, NOW, by=SOMEBODY)

    at = NOW
    while (at := at + IDLE / 2) < NOW + LONGEST:
        assert sessions.find(session_id, at) is not None
    assert sessions.find(session_id, NOW + LONGEST) is None


def test_signing_out_ends_it(sessions: Sessions) -> None:
    session_id = sessions.open(OPERATOR, NOW, by=SOMEBODY)

    sessions.close(session_id, NOW, by=SOMEBODY)

    assert sessions.find(session_id, NOW) is None


def test_another_admin_token_ends_what_the_old_one_has_opened(sessions: Sessions, database: Database) -> None:
    session_id = sessions.open(OPERATOR, NOW, by=SOMEBODY)

    assert Sessions(database, admin_token="another-token-of-the-operator").find(session_id, NOW) is None
    assert Sessions(database, admin_token=None).find(session_id, NOW) is None


@pytest.mark.parametrize("text", ["", "x", "\0", "\ud800"])
def test_what_is_no_session_is_none(sessions: Sessions, text: str) -> None:
    assert sessions.find(text, NOW) is None
    assert not sessions.is_admin_token(text)


def test_without_an_admin_token_nobody_has_it(database: Database) -> None:
    assert not Sessions(database, admin_token=None).is_admin_token("")


def test_sessions_that_are_over_are_removed(sessions: Sessions, database: Database) -> None:
    sessions.open(OPERATOR, NOW - LONGEST, by=SOMEBODY)
    sessions.open(OPERATOR, NOW, by=SOMEBODY)

    with database.begin() as connection:
        assert len(connection.execute(select(table)).all()) == 1
