"""Dead letters in PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from app.core.tables import batch_outcomes, dead_letters, events
from ingestion.dead_letters import DeadLetter, LetterId

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime
    from typing import Any

    from sqlalchemy import ColumnElement, Connection, Row

_KEY = (dead_letters.c.account_id, dead_letters.c.batch_id, dead_letters.c.position)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which letters; None is any."""

    account_id: str | None = None
    reason: str | None = None
    died_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list of letters, which is sorted by the time of death, newest first."""

    died_at: datetime
    account_id: str
    id: LetterId


def insert_letters(connection: Connection, letters: Iterable[DeadLetter]) -> None:
    """Write letters; one that is there already stays as it is."""
    values = [
        {
            "account_id": letter.account_id,
            "batch_id": letter.id.batch_id,
            "position": letter.id.position,
            "event_id": letter.event_id,
            "type": letter.type,
            "reason": letter.reason,
            "detail": letter.detail,
            "attempts": letter.attempts,
            "body": letter.body,
            "received_at": letter.received_at,
            "died_at": letter.died_at,
        }
        for letter in letters
    ]
    if values:
        connection.execute(insert(dead_letters).on_conflict_do_nothing(), values)


def page(connection: Connection, selection: Selection, *, after: Place | None, limit: int) -> list[DeadLetter]:
    """Return the letters after a place, newest first."""
    order = (dead_letters.c.died_at, *_KEY)
    query = select(dead_letters).where(*_conditions(selection)).order_by(*(column.desc() for column in order))
    if after is not None:
        place = (after.died_at, after.account_id, after.id.batch_id, after.id.position)
        query = query.where(tuple_(*order) < tuple_(*place))
    return [_letter(row) for row in connection.execute(query.limit(limit))]


def find(connection: Connection, letter_id: LetterId) -> DeadLetter | None:
    """Return one letter."""
    query = select(dead_letters).where(
        dead_letters.c.batch_id == letter_id.batch_id, dead_letters.c.position == letter_id.position
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _letter(row)


def ids(
    connection: Connection, selection: Selection, *, after: tuple[str, LetterId] | None, limit: int
) -> list[tuple[str, LetterId]]:
    """Return account and name of the letters after one, in the order of their keys."""
    query = select(*_KEY).where(*_conditions(selection)).order_by(*_KEY).limit(limit)
    if after is not None:
        account_id, letter_id = after
        query = query.where(tuple_(*_KEY) > tuple_(account_id, letter_id.batch_id, letter_id.position))
    return [(row.account_id, LetterId(row.batch_id, row.position)) for row in connection.execute(query)]


def lock(connection: Connection, account_id: str, wanted: Collection[LetterId]) -> list[DeadLetter]:
    """Return those of an account's letters that are there, held until the end of the transaction."""
    keys = [(letter_id.batch_id, letter_id.position) for letter_id in wanted]
    query = (
        select(dead_letters)
        .where(
            dead_letters.c.account_id == account_id,
            tuple_(dead_letters.c.batch_id, dead_letters.c.position).in_(keys),
        )
        .order_by(*_KEY)
        .with_for_update()
    )
    return [_letter(row) for row in connection.execute(query)]


def remove(connection: Connection, account_id: str, gone: Collection[LetterId]) -> int:
    """Delete letters of an account; return how many there were."""
    keys = [(letter_id.batch_id, letter_id.position) for letter_id in gone]
    statement = delete(dead_letters).where(
        dead_letters.c.account_id == account_id,
        tuple_(dead_letters.c.batch_id, dead_letters.c.position).in_(keys),
    )
    return connection.execute(statement).rowcount


def keep(connection: Connection, letter: DeadLetter) -> None:
    """Write the fate of a letter that died again."""
    statement = update(dead_letters).where(
        dead_letters.c.account_id == letter.account_id,
        dead_letters.c.batch_id == letter.id.batch_id,
        dead_letters.c.position == letter.id.position,
    )
    connection.execute(
        statement.values(reason=letter.reason, detail=letter.detail, attempts=letter.attempts, died_at=letter.died_at)
    )


def revive(connection: Connection, account_id: str, batch_id: str, *, stored: int, duplicates: int) -> None:
    """Move events of a batch from dead to where they are now."""
    outcome = batch_outcomes.c
    statement = update(batch_outcomes).where(outcome.account_id == account_id, outcome.batch_id == batch_id)
    connection.execute(
        statement.values(
            stored=outcome.stored + stored,
            duplicates=outcome.duplicates + duplicates,
            dead=outcome.dead - stored - duplicates,
            revived=outcome.revived + stored + duplicates,
        )
    )


def stored_ids(connection: Connection, account_id: str, event_ids: Collection[str]) -> set[str]:
    """Return those of an account's event ids that are stored."""
    query = select(events.c.event_id).where(events.c.account_id == account_id, events.c.event_id.in_(event_ids))
    return set(connection.execute(query).scalars())


def _conditions(selection: Selection) -> list[ColumnElement[bool]]:
    conditions = []
    if selection.account_id is not None:
        conditions.append(dead_letters.c.account_id == selection.account_id)
    if selection.reason is not None:
        conditions.append(dead_letters.c.reason == selection.reason)
    if selection.died_before is not None:
        conditions.append(dead_letters.c.died_at < selection.died_before)
    return conditions


def _letter(row: Row[Any]) -> DeadLetter:
    return DeadLetter(
        account_id=row.account_id,
        id=LetterId(row.batch_id, row.position),
        event_id=row.event_id,
        type=row.type,
        reason=row.reason,
        detail=row.detail,
        attempts=row.attempts,
        body=row.body,
        received_at=row.received_at.astimezone(UTC),
        died_at=row.died_at.astimezone(UTC),
    )
