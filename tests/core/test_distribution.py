"""Citus spreads what `PLACEMENTS` names, by rules that its documentation and real clusters have given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import UniqueConstraint

from app.core import citus_store
from app.core.distribution import FIRST, PLACEMENTS, Place
from app.core.tables import metadata

if TYPE_CHECKING:
    from app.core.database import Database

SPREAD = [name for name, placement in PLACEMENTS.items() if placement.place is Place.BY_ACCOUNT]
ALONE = [name for name, placement in PLACEMENTS.items() if placement.place is Place.COORDINATOR]


def test_every_table_has_a_place_and_a_reason() -> None:
    assert set(PLACEMENTS) == set(metadata.tables)
    assert all(placement.reason for placement in PLACEMENTS.values())


@pytest.mark.parametrize("name", SPREAD)
def test_every_key_of_a_spread_table_names_the_account_and_nothing_is_bound_to_other_tables(name: str) -> None:
    table = metadata.tables[name]
    unique = [index.columns for index in table.indexes if index.unique]
    unique += [each.columns for each in table.constraints if isinstance(each, UniqueConstraint)]

    assert all("account_id" in keys for keys in (table.primary_key.columns, *unique))
    assert not table.foreign_keys
    assert not any(column.identity for column in table.columns)


def test_foreign_keys_point_to_tables_of_the_same_place_that_are_there_before() -> None:
    order = list(PLACEMENTS)
    for name, table in metadata.tables.items():
        for key in table.foreign_keys:
            target = key.column.table.name
            assert PLACEMENTS[target].place is PLACEMENTS[name].place
            assert name in ALONE or order.index(target) < order.index(name)


def test_the_first_spread_table_is_the_one_that_others_are_beside() -> None:
    assert SPREAD[0] == FIRST


def test_what_is_spread_is_not_spread_again(database: Database) -> None:
    with database.begin() as connection:
        assert citus_store.spread(connection) == []
