"""Texts that name an account, in any column; a table is gone through once, some rows at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Text, and_, cast, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.core.erasure.purge_store import after, key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Row, Table

    from app.core.erasure.purge_store import Key
    from app.core.erasure.rules import Rule
    from app.core.erasure.words import Words


def last_of_page(connection: Connection, table: Table, behind: Key | None, *, limit: int) -> Key | None:
    """Return the key that so many rows lie up to; None when there are not so many left."""
    columns = key_of(table)
    query = select(*columns).order_by(*columns).offset(limit - 1).limit(1)
    if behind is not None:
        query = query.where(after(columns, behind))
    row = connection.execute(query).one_or_none()
    return None if row is None else tuple(row)


def replace(
    connection: Connection, table: Table, rule: Rule, words: Words, *, behind: Key | None, until: Key | None
) -> int:
    """Replace the names in rows between two keys, and delete the rows whose key names the account."""
    columns = key_of(table)
    bounds = [] if behind is None else [after(columns, behind)]
    if until is not None:
        bounds.append(~after(columns, until))
    wanted = [table.c[name] for name in dict.fromkeys(rule.texts)]
    suspicious = or_(*(holds(column, (*words.names, *words.labels)) for column in wanted))
    query = select(table).where(*bounds, suspicious).order_by(*columns).with_for_update()
    return sum(_replace(connection, table, rule, words, row) for row in connection.execute(query).all())


def _replace(connection: Connection, table: Table, rule: Rule, words: Words, row: Row[Any]) -> int:
    this = and_(*(column == getattr(row, column.key) for column in table.primary_key.columns))
    if any(words.named_in(getattr(row, name)) for name in rule.mentions):
        return connection.execute(delete(table).where(this)).rowcount
    before = {name: getattr(row, name) for name in (*rule.words, *rule.signed, *rule.labels)}
    now = {name: _cleaned(table.c[name], before[name], words) for name in rule.words}
    now |= {name: words.signed(before[name]) for name in rule.signed if before[name] is not None}
    now |= {name: words.unlabelled(before[name]) for name in rule.labels}
    changed = {name: value for name, value in now.items() if value != before[name]}
    return connection.execute(update(table).where(this).values(**changed)).rowcount if changed else 0


def _cleaned(column: ColumnElement[Any], value: Any, words: Words) -> Any:
    if isinstance(column.type, ARRAY):
        # Half a mail address is none.
        return [each for each in value if not words.named_in(each)]
    return words.without(value)


def holds(column: ColumnElement[Any], names: Sequence[str]) -> ColumnElement[bool]:
    """Return whether a column has one of the names in it, maybe as a part of a longer word."""
    if isinstance(column.type, ARRAY):
        shown: ColumnElement[Any] = func.array_to_string(column, "\n")
    else:
        shown = cast(column, Text) if isinstance(column.type, JSONB) else column
    written = [msgspec.json.encode(name).decode()[1:-1] if isinstance(column.type, JSONB) else name for name in names]
    return or_(*(func.strpos(shown, name) > 0 for name in written))
