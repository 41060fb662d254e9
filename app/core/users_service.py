"""Creating and changing the people who sign in. Every change is in the record, by the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.core import audit_store, sessions_store, users_store
from app.core.audit_entry import AuditEntry
from app.core.passwords import LONGEST, SHORTEST
from app.core.problems import FieldError, Problem, ProblemType
from app.core.roles import Role
from app.core.users import OPERATOR, USERNAME, User

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.audit_entry import Actor
    from app.core.database import Database
    from app.core.passwords import Passwords

_LONGEST_IDENTITY = 1_000


class Users:
    """Thread-safe. Methods raise `Problem` for what the caller may mend, and `DependencyError`."""

    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._database = database
        self._passwords = passwords

    def every(self) -> list[User]:
        """Return all users by name."""
        with self._database.begin() as connection:
            return users_store.every(connection)

    def any_can_sign_in(self) -> bool:
        """Tell whether there is anybody beside the operator."""
        with self._database.begin() as connection:
            return users_store.any_can_sign_in(connection)

    def create(self, username: str, role: str, password: str, *, by: Actor, now: datetime) -> User:
        """Create somebody who signs in by a password."""
        _check(username=username, role=role, password=password)
        user = User(username=username, role=Role(role), disabled=False, created_at=now, updated_at=now)
        return self._insert(user, self._passwords.hash(password), by=by, now=now)

    def set_role(self, username: str, role: str, *, by: Actor, now: datetime) -> None:
        """Give somebody another role, which holds at his next request."""
        _check(role=role)
        self._change(username, "set_role", {"role": role}, by=by, now=now, role=role)

    def set_disabled(self, username: str, *, disabled: bool, by: Actor, now: datetime) -> None:
        """Let somebody in no longer, from this moment on, or again."""
        self._change(username, "disable" if disabled else "enable", {"disabled": disabled}, by=by, now=now)

    def set_password(self, username: str, password: str, *, by: Actor, now: datetime) -> None:
        """Give somebody another password, and end his sessions."""
        _check(password=password)
        self._change(username, "set_password", {"password_hash": self._passwords.hash(password)}, by=by, now=now)

    def by_password(self, username: str, password: str, now: datetime) -> User | None:
        """Return whose name and password these are; None when nobody's, or somebody's who may not come in."""
        with self._database.begin() as connection:
            found = users_store.find(connection, username) if USERNAME.fullmatch(username) else None
        user, password_hash = (None, None) if found is None else found
        if not self._passwords.matches(password_hash, password) or user is None or user.disabled:
            return None
        if password_hash is not None and self._passwords.outdated(password_hash):
            with self._database.begin() as connection:
                users_store.change(connection, username, {"password_hash": self._passwords.hash(password)}, now)
        return user

    def by_identity(self, identity: str, username: str, role: Role, *, by: Actor, now: datetime) -> User:
        """Return who has this identity elsewhere, in the role that he has there; he is created when he is new.

        Raises `Problem` (forbidden) when he is disabled here, and (conflict) when another has the name.
        """
        with self._database.begin() as connection:
            user = users_store.find_identity(connection, identity)
        if user is None:
            if not USERNAME.fullmatch(username) or username == OPERATOR or len(identity) > _LONGEST_IDENTITY:
                raise Problem(ProblemType.FORBIDDEN, "The name that comes from there is no username here.")
            new = User(username=username, role=role, disabled=False, created_at=now, updated_at=now, identity=identity)
            return self._insert(new, None, by=by, now=now)
        if user.disabled:
            raise Problem(ProblemType.FORBIDDEN, "This user is disabled.")
        if user.role is not role:
            self._change(user.username, "set_role", {"role": role}, by=by, now=now, role=role)
        return user

    def _insert(self, user: User, password_hash: str | None, *, by: Actor, now: datetime) -> User:
        with self._database.begin() as connection:
            if not users_store.insert_new(connection, user, password_hash):
                raise Problem(ProblemType.CONFLICT, f"There is a user {user.username} already.")
            _record(connection, "create", user.username, by=by, now=now, role=user.role)
        return user

    def _change(
        self, username: str, action: str, values: dict[str, Any], *, by: Actor, now: datetime, **detail: Any
    ) -> None:
        with self._database.begin() as connection:
            if not USERNAME.fullmatch(username) or not users_store.change(connection, username, values, now):
                raise Problem(ProblemType.NOT_FOUND, f"There is no user {username}.")
            if "role" not in values:
                sessions_store.remove_of(connection, username)
            _record(connection, action, username, by=by, now=now, **detail)


def _record(connection: Connection, action: str, username: str, *, by: Actor, now: datetime, **detail: Any) -> None:
    audit_store.add(connection, AuditEntry(at=now, actor=by, action=f"users.{action}", subject=username, detail=detail))


def _check(*, username: str | None = None, role: str | None = None, password: str | None = None) -> None:
    errors = []
    if username is not None and (not USERNAME.fullmatch(username) or username == OPERATOR):
        rule = f"must be small letters, digits and . _ @ + -, begin with a letter or digit, and not be {OPERATOR}"
        errors.append(FieldError(rule, field="username"))
    if role is not None and role not in set(Role):
        errors.append(FieldError(f"must be one of {', '.join(Role)}", field="role"))
    if password is not None and not SHORTEST <= len(password) <= LONGEST:
        errors.append(FieldError(f"must have {SHORTEST} to {LONGEST} characters", field="password"))
    if errors:
        raise Problem(ProblemType.INVALID_REQUEST, "The user is not valid.", tuple(errors))
