"""Whose fault an error of the store is: the row's, another writer's, or PostgreSQL's.

Only a row that can never be stored may die. Everything that is not plainly the row's own fault (a table that a
migration has not made yet, a full disk, an internal error) is an absence of the dependency: the queue waits.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, TypeVar

import psycopg
from sqlalchemy import exc

from app.core.errors import DependencyUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

ROW_ERRORS = (psycopg.Error, exc.SQLAlchemyError, UnicodeEncodeError, struct.error)
"""What a row can cause; `refusal_of` tells whether it did."""

_REFUSED_CLASSES = ("22", "23", "54")
"""Data exceptions, integrity constraints, limits of the server (an index entry too long, nesting too deep)."""
_CONFLICTS = ("40001", "40P01", "23505")
"""Not serialisable, deadlock, and a unique key that somebody else took at the same moment. A second try settles each."""
_CONFLICTS_SETTLED = 3
_LONGEST_DETAIL = 500


def refusal_of(error: BaseException) -> str | None:
    """Return why a row was refused, or None when the error is not the row's own fault."""
    if isinstance(error, UnicodeEncodeError | struct.error):
        return "the value has no form in PostgreSQL"
    cause = _driver_error(error)
    if cause is None:
        return None
    if cause.sqlstate is None:
        # The driver has not even sent it, for a NUL in a text.
        return "the value has no form in PostgreSQL" if isinstance(cause, psycopg.DataError) else None
    if cause.sqlstate in _CONFLICTS or not cause.sqlstate.startswith(_REFUSED_CLASSES):
        return None
    return f"{cause.diag.message_primary or 'refused'} (SQLSTATE {cause.sqlstate})"[:_LONGEST_DETAIL]


def settle_conflicts(transaction: Callable[[], _T]) -> _T:
    """Run a transaction, again when another writer was in its way.

    Raises `DependencyUnavailableError` for every error of PostgreSQL that is not a row's own fault; those pass through.
    """
    conflicts = 0
    while True:
        try:
            return transaction()
        except (psycopg.Error, exc.SQLAlchemyError) as error:
            cause = _driver_error(error)
            state = None if cause is None else cause.sqlstate
            if state in _CONFLICTS and conflicts < _CONFLICTS_SETTLED:
                conflicts += 1
                continue
            if refusal_of(error) is not None:
                raise
            raise DependencyUnavailableError("postgresql", f"does not store (SQLSTATE {state})") from error


def _driver_error(error: BaseException) -> psycopg.Error | None:
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    return cause if isinstance(cause, psycopg.Error) else None
