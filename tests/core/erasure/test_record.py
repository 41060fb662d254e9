"""What erasing an account takes out of the record of changes, and what nobody can take out of it that way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.core.audit import Audit
from app.core.audit_entry import Actor
from app.core.erasure.record import EraseFromRecord
from tests.core.erasure.begun import begun

if TYPE_CHECKING:
    from app.core.audit_entry import AuditEntry
    from app.core.database import Database

NOW = datetime.now(UTC)
INSTEAD = "erased:" + "00" * 8


def erase(database: Database, account_id: str, *names: str) -> dict[str, int]:
    [counts] = EraseFromRecord(database)(begun(account_id, *names), NOW)
    return counts


def record(database: Database, actor: str, action: str, subject: str, **detail: Any) -> AuditEntry:
    audit = Audit(database)
    with audit.change(Actor(actor, "192.0.2.7", "request-1"), action, subject, now=NOW, **detail):
        pass
    return audit.page(limit=1)[0]


def entries(database: Database) -> list[AuditEntry]:
    return Audit(database).page(limit=100)[::-1]


@pytest.mark.parametrize("word", ["mallory", "operator", "cli", "link"])
def test_nobody_is_taken_out_of_the_record_by_an_account_that_is_called_like_him(database: Database, word: str) -> None:
    made = [
        record(database, "mallory", "users.create", "mallory", role="admin"),
        record(database, "operator", "keys.create", "bolt", by="operator"),
        record(database, "cli:mallory", "users.set_role", word, role="admin"),
        record(database, "link", "alerts.acknowledge", "alr_1"),
        record(database, f"{word}-2/k3y", "sessions.open", word),
    ]

    assert erase(database, word) == {"audit_entries": 0}
    assert erase(database, "zz1", word) == {"audit_entries": 0}
    assert entries(database) == made


def test_the_account_is_taken_out_wherever_it_stands(database: Database) -> None:
    record(database, "acme/k3y", "accounts.change", "acme", by="acme/k3y", name="Acme Ltd.", of=["acme", "acme-2"])
    record(database, "mia", "tiers.change", "gold", name="gold", reason="asked by acme")

    assert erase(database, "acme", "Acme Ltd.") == {"audit_entries": 2}
    first, second = entries(database)
    assert (first.actor.name, first.subject) == (f"{INSTEAD}/k3y", INSTEAD)
    assert first.detail == {"by": f"{INSTEAD}/k3y", "name": INSTEAD, "of": [INSTEAD, "acme-2"]}
    assert (second.actor.name, second.subject) == ("mia", "gold")
    assert second.detail == {"name": "gold", "reason": f"asked by {INSTEAD}"}
    assert erase(database, "acme", "Acme Ltd.") == {"audit_entries": 0}


@pytest.mark.parametrize(
    ("column", "value", "action"),
    [
        ("actor", "mallory", "keys.revoke"),
        ("actor", INSTEAD, "keys.revoke"),
        ("actor", f"{INSTEAD}/0ther", "keys.revoke"),
        ("subject", INSTEAD, "users.create"),
        ("subject", INSTEAD, "sessions.open"),
        ("action", "keys.create", "keys.revoke"),
        ("address", "", "keys.revoke"),
    ],
)
@pytest.mark.parametrize("account_id", ["acme", "zz1", "on"])
def test_the_database_refuses_what_is_no_erasure(
    database: Database, column: str, value: str, action: str, account_id: str
) -> None:
    record(database, "acme/k3y", action, "acme")

    with pytest.raises(ProgrammingError, match="keeps its facts"), database.begin() as connection:
        connection.execute(text("SELECT set_config('slipstream.erasing', :id, true)"), {"id": account_id})
        connection.execute(text(f"UPDATE audit_entries SET {column} = :value"), {"value": value})  # noqa: S608 - Ours.


def test_the_database_lets_one_account_be_replaced_by_its_stand_in_alone(database: Database) -> None:
    record(database, "acme/k3y", "keys.revoke", "acme")
    update = text("UPDATE audit_entries SET actor = 'erased:0000000000000000/k3y'")

    with pytest.raises(ProgrammingError, match="append-only"), database.begin() as connection:
        connection.execute(update)
    with pytest.raises(ProgrammingError, match="keeps its facts"), database.begin() as connection:
        connection.execute(text("SELECT set_config('slipstream.erasing', 'ac', true)"))
        connection.execute(update)
    with database.begin() as connection:
        connection.execute(text("SELECT set_config('slipstream.erasing', 'acme', true)"))
        connection.execute(update)
