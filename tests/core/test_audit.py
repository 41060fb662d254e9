from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.core.audit import Audit
from app.core.audit_entry import Actor
from app.core.erasure import erasures_store
from app.core.erasure.erasures import Erasures
from app.core.errors import DependencyUnavailableError
from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.mirror import AccountMirror
    from tests.conftest import World

NOW = datetime.now(UTC)
MIA = Actor("mia", "192.0.2.7", "request-1")


def test_a_change_is_recorded_with_who_what_when_and_from_where(database: Database) -> None:
    with Audit(database).change(MIA, "alerts.acknowledge", "alr_1", now=NOW, slo="availability"):
        pass

    (entry,) = Audit(database).page(limit=10)
    assert (entry.at, entry.actor, entry.action, entry.subject) == (NOW, MIA, "alerts.acknowledge", "alr_1")
    assert entry.detail == {"slo": "availability"}


def test_a_change_that_was_refused_is_recorded_as_such(database: Database) -> None:
    with (
        pytest.raises(Problem),
        Audit(database).change(MIA, "keys.revoke", "abc", now=NOW),
    ):
        raise Problem(ProblemType.NOT_FOUND, "There is no such key.")

    refused, tried = Audit(database).page(limit=10)
    assert (tried.action, refused.action, refused.detail) == (
        "keys.revoke",
        "keys.revoke.refused",
        {"reason": "not-found"},
    )


def test_what_cannot_be_recorded_is_not_done(database: Database) -> None:
    away = type(database)("postgresql://slipstream@127.0.0.1:1/none", pool_size=1, name="away", connect_timeout_s=1)
    done = []

    with pytest.raises(DependencyUnavailableError), Audit(away).change(MIA, "keys.revoke", "abc", now=NOW):
        done.append(True)
    away.close()

    assert not done


ENTRIES: list[tuple[str, str, dict[str, Any], bool]] = [
    ("accounts.change", "acme", {}, True),
    ("keys.rotate", "acme/k3y", {}, True),
    ("reports.order", "2026-10", {"account_id": "acme"}, True),
    ("accounts.change", "acme-2", {}, False),
    ("dlq.replay_all", "every account", {"account_id": None}, False),
    ("sessions.begin", "acme", {}, False),
]


def test_whoever_names_an_erased_account_has_its_erasure_opened_again(
    database: Database, mirror: AccountMirror, world: World
) -> None:
    begun = Erasures(database, mirror).begin("acme", by="operator", now=NOW)
    opened = []
    for action, subject, detail, _ in ENTRIES:
        with database.begin() as connection:
            erasures_store.note_purged(connection, begun.digest, NOW)
            erasure = erasures_store.find(connection, begun.digest)
            assert erasure is not None
            assert erasures_store.finish(connection, erasure, "operator", NOW)
        with Audit(database).change(MIA, action, subject, now=NOW, **detail):
            pass
        with database.begin() as connection:
            opened.append([each.account_id for each in erasures_store.unfinished(connection)] == ["acme"])

    assert opened == [wanted for *_, wanted in ENTRIES]


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entries SET actor = 'zoe'", "DELETE FROM audit_entries", "TRUNCATE audit_entries"]
)
def test_the_record_cannot_be_changed(database: Database, statement: str) -> None:
    with Audit(database).change(MIA, "keys.revoke", "abc", now=NOW):
        pass

    with pytest.raises(ProgrammingError, match="append-only"), database.begin() as connection:
        connection.execute(text(statement))

    assert len(Audit(database).page(limit=10)) == 1


def test_the_record_is_read_backwards_by_actor_and_subject(database: Database) -> None:
    audit = Audit(database)
    for actor, subject in (("mia", "a"), ("zoe", "a"), ("mia", "b")):
        with audit.change(Actor(actor), "test", subject, now=NOW):
            pass

    everything = audit.page(limit=10)
    assert [(each.actor.name, each.subject) for each in everything] == [("mia", "b"), ("zoe", "a"), ("mia", "a")]
    assert audit.page(before=everything[0].entry_id, limit=1) == [everything[1]]
    assert [each.subject for each in audit.page(actor="mia", limit=10)] == ["b", "a"]
    assert [each.actor.name for each in audit.page(subject="a", limit=10)] == ["zoe", "mia"]
