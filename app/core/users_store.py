"""`users`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.access_tables import users
from app.core.roles import Role
from app.core.users import User

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Row


def insert_new(connection: Connection, user: User, password_hash: str | None) -> bool:
    """Write a new user; False when the name or the identity is taken."""
    row = {column: getattr(user, column) for column in User.__dataclass_fields__}
    statement = insert(users).values(**row, password_hash=password_hash).on_conflict_do_nothing()
    return connection.execute(statement.returning(users.c.username)).one_or_none() is not None


def find(connection: Connection, username: str) -> tuple[User, str | None] | None:
    """Return a user with the hash of his password."""
    row = connection.execute(select(users).where(users.c.username == username)).one_or_none()
    return None if row is None else (user_of(row), row.password_hash)


def find_identity(connection: Connection, identity: str) -> User | None:
    row = connection.execute(select(users).where(users.c.identity == identity)).one_or_none()
    return None if row is None else user_of(row)


def every(connection: Connection) -> list[User]:
    """Return all users by name."""
    return [user_of(row) for row in connection.execute(select(users).order_by(users.c.username))]


def any_can_sign_in(connection: Connection) -> bool:
    return bool(connection.scalar(select(exists().where(~users.c.disabled))))


def change(connection: Connection, username: str, values: Mapping[str, Any], now: datetime) -> bool:
    """Change some columns of a user; False when there is none."""
    statement = update(users).where(users.c.username == username).values(**values, updated_at=now)
    return connection.execute(statement.returning(users.c.username)).one_or_none() is not None


def note_signed_in(connection: Connection, username: str, now: datetime) -> None:
    connection.execute(update(users).where(users.c.username == username).values(signed_in_at=now))


def user_of(row: Row[Any]) -> User:
    return User(
        username=row.username,
        role=Role(row.role),
        disabled=row.disabled,
        created_at=row.created_at,
        updated_at=row.updated_at,
        signed_in_at=row.signed_in_at,
        identity=row.identity,
    )
