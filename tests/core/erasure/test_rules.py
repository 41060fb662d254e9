"""No column can name an account without a rule for its erasure: a new table without one is red here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.core.erasure.rules import RULES, Fate
from app.core.tables import metadata

if TYPE_CHECKING:
    from sqlalchemy import Table

TABLES = sorted(metadata.tables.values(), key=lambda table: table.name)


def can_name(table: Table) -> set[str]:
    """The columns that hold text, however wrapped."""
    kinds = [(column.name, column.type) for column in table.columns]
    return {
        name
        for name, kind in kinds
        if isinstance(kind, Text | JSONB | LargeBinary)
        or (isinstance(kind, ARRAY) and isinstance(kind.item_type, Text))
    }


def test_every_table_has_a_rule_and_every_rule_a_table() -> None:
    assert RULES.keys() == metadata.tables.keys()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_of_text_has_one_fate(table: Table) -> None:
    rule = RULES[table.name]
    named = [*rule.texts, *rule.never]
    named += [] if rule.service is None else [rule.service]

    assert len(named) == len(set(named))
    assert set(named) <= can_name(table)
    first = next(iter(table.primary_key.columns)).name
    if rule.fate is Fate.APART or (first == "account_id" and rule.fate in {Fate.ROWS, Fate.SUMS}):
        return
    assert can_name(table) - {"account_id"} == set(named), "say what becomes of them in app.core.erasure.rules"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_rows_of_an_account_never_stay(table: Table) -> None:
    rule = RULES[table.name]

    assert ("account_id" not in table.columns) or rule.fate is not Fate.STAYS
    assert ("account_id" in table.columns) or rule.fate in {Fate.STAYS, Fate.APART}
