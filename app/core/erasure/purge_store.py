"""Rows of an account, or of a service of its own, some at a time, in the order of their keys.

Each statement names one account or one service, so that it looks at one end of an index, and at one partition. This is the
one place that deletes rows of tables whose owners are others: what is kept of an account is one list (`rules`), and is
proved as one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, delete, func, literal, or_, select, text, tuple_

from app.core.report_tables import report_sends, report_subscriptions, reports
from app.core.tables import telemetry_names, telemetry_services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Table

NOBODY = ""
"""The account id of sums over erased accounts; no account has it."""
_ACCOUNT = "account"
"""The kind of `telemetry_names` that are accounts."""

# Two statements, because on Citus the account's rows and those of nobody are on two nodes.
_TAKE_OUTCOMES = text("""
    WITH page AS (
           SELECT batch_id FROM batch_outcomes WHERE account_id = :account_id ORDER BY batch_id LIMIT :limit),
         gone AS (
           DELETE FROM batch_outcomes USING page
            WHERE account_id = :account_id AND batch_outcomes.batch_id = page.batch_id
           RETURNING received_at, stored_at, stored, duplicates, dead, revived)
    SELECT 'folded-' || (received_at AT TIME ZONE 'UTC')::date AS batch_id, min(received_at) AS received_at,
           max(stored_at) AS stored_at, sum(stored) AS stored, sum(duplicates) AS duplicates, sum(dead) AS dead,
           sum(revived) AS revived, count(*) AS batches
      FROM gone GROUP BY 1 ORDER BY 1
""")
_ADD_OUTCOMES = text("""
    INSERT INTO batch_outcomes AS kept (account_id, batch_id, received_at, stored_at, stored, duplicates, dead, revived)
    VALUES (:account_id, :batch_id, :received_at, :stored_at, :stored, :duplicates, :dead, :revived)
    ON CONFLICT (account_id, batch_id) DO UPDATE SET
           received_at = least(kept.received_at, excluded.received_at),
           stored_at = greatest(kept.stored_at, excluded.stored_at),
           stored = kept.stored + excluded.stored, duplicates = kept.duplicates + excluded.duplicates,
           dead = kept.dead + excluded.dead, revived = kept.revived + excluded.revived
""")
_FOLD_RULE_COUNTS = text("""
    WITH page AS (
           SELECT rule_id, width, bucket FROM rule_counts
            WHERE account_id = :account_id ORDER BY rule_id, width, bucket LIMIT :limit),
         gone AS (
           DELETE FROM rule_counts USING page
            WHERE account_id = :account_id AND rule_counts.rule_id = page.rule_id AND rule_counts.width = page.width
              AND rule_counts.bucket = page.bucket
           RETURNING rule_counts.rule_id, rule_counts.width, rule_counts.bucket, good, total),
         kept AS (
           INSERT INTO rule_counts AS kept (account_id, rule_id, width, bucket, good, total)
           SELECT :nobody, rule_id, width, bucket, good, total FROM gone ORDER BY rule_id, width, bucket
           ON CONFLICT (account_id, rule_id, width, bucket) DO UPDATE SET
                  good = kept.good + excluded.good, total = kept.total + excluded.total)
    SELECT count(*) FROM gone
""")
_COUNTED_ACCOUNTS = """
    WITH RECURSIVE counted (account_id) AS (
      SELECT min(account_id) FROM {table} WHERE account_id >= :since
      UNION ALL
      SELECT (SELECT min(account_id) FROM {table} WHERE account_id > counted.account_id)
        FROM counted WHERE counted.account_id IS NOT NULL
    )
    SELECT account_id, EXISTS (SELECT FROM {table} AS of_service
                                WHERE of_service.account_id = counted.account_id AND of_service.service = :service)
      FROM counted WHERE account_id IS NOT NULL LIMIT :limit
"""

Key = tuple[Any, ...]


class Page(NamedTuple):
    """How many rows were deleted, and the last key; None when there was none."""

    deleted: int
    last: Key | None


def key_of(table: Table) -> tuple[ColumnElement[Any], ...]:
    """Return the columns of a table's primary key."""
    return tuple(table.primary_key.columns)


def after(columns: Sequence[ColumnElement[Any]], last: Key) -> ColumnElement[bool]:
    """Return the condition that a key comes after another one."""
    values = [literal(value, column.type) for column, value in zip(columns, last, strict=True)]
    return tuple_(*columns) > tuple_(*values)


def delete_led(connection: Connection, table: Table, leading: Key, *, behind: Key | None, limit: int) -> Page:
    """Delete the next rows whose key begins with some values, and lies behind another one that did.

    What is gone already is not looked at again, however long an old snapshot keeps it in the index.
    """
    columns = key_of(table)
    rest = columns[len(leading) :]
    ours = and_(*(column == value for column, value in zip(columns, leading, strict=False)))
    if not rest:
        return Page(connection.execute(delete(table).where(ours)).rowcount, None)
    query = select(*rest).where(ours).order_by(*rest).limit(limit)
    if behind is not None:
        query = query.where(after(rest, behind))
    page = query.cte("page")
    same = and_(*(column == page.c[column.name] for column in rest))
    gone = delete(table).where(ours, same).returning(literal(1).label("one")).cte("gone")
    counted = select(func.count()).select_from(gone).scalar_subquery()
    last = select(counted, *page.c).order_by(*(column.desc() for column in page.c)).limit(1)
    row = connection.execute(last).one_or_none()
    return Page(0, None) if row is None else Page(int(row[0]), tuple(row[1:]))


def delete_where(connection: Connection, table: Table, column: str, values: Sequence[str], *, limit: int) -> int:
    """Delete some rows of a table that is small, or that has no index for it."""
    columns = key_of(table)
    some = select(*columns).where(table.c[column].in_(values)).limit(limit)
    return connection.execute(delete(table).where(tuple_(*columns).in_(some))).rowcount


def delete_sends(connection: Connection, account_id: str, services: Sequence[str]) -> int:
    """Delete what was to be sent of the account's reports, which refers to its subscriptions."""

    def own(table: Table) -> ColumnElement[bool]:
        return or_(table.c.account_id == account_id, table.c.service.in_(services))

    subscriptions = select(report_subscriptions.c.subscription_id).where(own(report_subscriptions))
    archived = select(reports.c.report_id).where(own(reports))
    sends = report_sends.c
    statement = delete(report_sends).where(or_(sends.subscription_id.in_(subscriptions), sends.report_id.in_(archived)))
    return connection.execute(statement).rowcount


def delete_claims(connection: Connection, account_id: str, *, limit: int) -> int:
    """Delete the account where services of others tell their requests apart by it; return in how many."""
    table = telemetry_names
    claims = select(table.c.service).where(table.c.kind == _ACCOUNT, table.c.name == account_id).limit(limit)
    statement = delete(table).where(table.c.kind == _ACCOUNT, table.c.name == account_id, table.c.service.in_(claims))
    return connection.execute(statement).rowcount


def fold_outcomes(connection: Connection, account_id: str, *, limit: int) -> int:
    """Add some batches of an account up, a row a day, in rows of nobody; return how many it were."""
    days = connection.execute(_TAKE_OUTCOMES, {"account_id": account_id, "limit": limit}).mappings().all()
    for day in days:
        connection.execute(_ADD_OUTCOMES, {**day, "account_id": NOBODY})
    return sum(int(day["batches"]) for day in days)


def fold_rule_counts(connection: Connection, account_id: str, *, limit: int) -> int:
    """Add some counts of an account up in rows of nobody; return how many it were."""
    parameters = {"account_id": account_id, "nobody": NOBODY, "limit": limit}
    return int(connection.execute(_FOLD_RULE_COUNTS, parameters).scalar_one())


FOLDS = {"batch_outcomes": fold_outcomes, "rule_counts": fold_rule_counts}
"""What adds up the rows of a table whose sums over all accounts are numbers of the platform."""


def counted_accounts(
    connection: Connection, table: Table, service: str, *, since: str, limit: int
) -> list[tuple[str, bool]]:
    """Return the accounts from one on that a table has rows of, and whether any is of the service.

    That takes one step down its index from each account to the next, and one to the service.
    """
    statement = text(_COUNTED_ACCOUNTS.format(table=table.name))
    parameters = {"service": service, "since": since, "limit": limit}
    return [(account_id, there) for account_id, there in connection.execute(statement, parameters)]


def own_services(connection: Connection, account_id: str) -> list[str]:
    """Return the services that the account was the first to write."""
    table = telemetry_services
    return list(connection.scalars(select(table.c.service).where(table.c.account_id == account_id)))


def disown(connection: Connection, account_id: str) -> int:
    """Forget whose its services were: from now on they are nobody's."""
    table = telemetry_services
    return connection.execute(delete(table).where(table.c.account_id == account_id)).rowcount
