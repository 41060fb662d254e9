"""What becomes of rows that tell of an account and are not its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from app.core.alert_tables import silences
from app.core.erasure import words_store
from app.core.erasure.rules import RULES
from app.core.erasure.words import Words

if TYPE_CHECKING:
    from app.core.database import Database

NOW = datetime.now(UTC)
INSTEAD = "erased:1"


def test_a_signature_loses_the_name_of_a_key_of_the_account_and_no_other(database: Database) -> None:
    """An account may be called like a person, or like the operator: what he wrote stays his."""
    signed = {"s1": "mia", "s2": "mia/k3y", "s3": "mia-2/k3y"}
    rows = [
        {
            "silence_id": silence_id,
            "service": "checkout",
            "starts_at": NOW,
            "ends_at": NOW,
            "author": author,
            "ended_by": author if author == "mia" else None,
            "reason": "asked by mia",
            "created_at": NOW,
        }
        for silence_id, author in signed.items()
    ]
    with database.begin() as connection:
        connection.execute(insert(silences), rows)

        rule = RULES["silences"]
        changed = words_store.replace(connection, silences, rule, Words(("mia",), INSTEAD), behind=None, until=None)

        columns = (silences.c.author, silences.c.ended_by, silences.c.reason)
        found = connection.execute(select(*columns).order_by(silences.c.silence_id)).all()
    assert changed == 3
    assert [tuple(row) for row in found] == [
        ("mia", "mia", f"asked by {INSTEAD}"),
        (f"{INSTEAD}/k3y", None, f"asked by {INSTEAD}"),
        ("mia-2/k3y", None, f"asked by {INSTEAD}"),
    ]
