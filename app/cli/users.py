"""`slipstream users`: create, list and change the people who sign in to the web pages."""

from __future__ import annotations

import getpass
import secrets
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from app.cli.options import json_option, print_json, print_table, with_settings
from app.cli.recording import command_actor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.core.audit_entry import Actor
    from app.core.settings import Settings
    from app.core.users_service import Users

_ROLES = ("viewer", "oncall", "manager", "admin")
_GENERATED_BYTES = 18


@click.group("users")
def group() -> None:
    """Create, list and change the people who sign in to the web pages."""


@group.command()
@click.argument("username")
@click.option("--role", type=click.Choice(_ROLES), default="viewer", show_default=True, help="What the user may do.")
@click.option("--generate", is_flag=True, help="Make up a password and print it, instead of asking for one.")
@json_option
@with_settings
def create(username: str, role: str, *, generate: bool, as_json: bool, settings: Settings) -> None:
    """Create a user. The password is asked for twice, or read from stdin when that is no terminal."""
    password = secrets.token_urlsafe(_GENERATED_BYTES) if generate else _password()
    with _users(settings) as (users, actor):
        user = users.create(username, role, password, by=actor, now=datetime.now(UTC))
    shown = {"username": user.username, "role": str(user.role)} | ({"password": password} if generate else {})
    if as_json:
        print_json(shown)
    else:
        print_table(tuple(name.upper() for name in shown), [tuple(shown.values())])


@group.command("list")
@json_option
@with_settings
def list_all(*, as_json: bool, settings: Settings) -> None:
    """List all users."""
    with _users(settings) as (users, _):
        found = users.every()
    if as_json:
        print_json(
            [
                {
                    "username": user.username,
                    "role": str(user.role),
                    "disabled": user.disabled,
                    "signs_in_by": "oidc" if user.identity else "password",
                    "signed_in_at": None if user.signed_in_at is None else user.signed_in_at.isoformat(),
                }
                for user in found
            ]
        )
        return
    rows = [
        (
            user.username,
            user.role,
            "disabled" if user.disabled else "",
            "never" if user.signed_in_at is None else f"{user.signed_in_at:%Y-%m-%d %H:%M}",
        )
        for user in found
    ]
    print_table(("USER", "ROLE", "", "SIGNED IN (UTC)"), rows)


@group.command("set-role")
@click.argument("username")
@click.argument("role", type=click.Choice(_ROLES))
@with_settings
def set_role(username: str, role: str, *, settings: Settings) -> None:
    """Give a user another role, which holds at the next request."""
    with _users(settings) as (users, actor):
        users.set_role(username, role, by=actor, now=datetime.now(UTC))


@group.command("set-password")
@click.argument("username")
@with_settings
def set_password(username: str, *, settings: Settings) -> None:
    """Give a user another password, and end all sessions."""
    password = _password()
    with _users(settings) as (users, actor):
        users.set_password(username, password, by=actor, now=datetime.now(UTC))


@group.command()
@click.argument("username")
@click.option("--undo", is_flag=True, help="Let the user in again.")
@with_settings
def disable(username: str, *, undo: bool, settings: Settings) -> None:
    """Let a user in no longer, and end all sessions at once."""
    with _users(settings) as (users, actor):
        users.set_disabled(username, disabled=not undo, by=actor, now=datetime.now(UTC))


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise click.UsageError("The two are not the same.")
    return password


@contextmanager
def _users(settings: Settings) -> Iterator[tuple[Users, Actor]]:
    from app.core.database import Database  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.core.passwords import Passwords  # noqa: PLC0415
    from app.core.users_service import Users  # noqa: PLC0415

    database = Database(settings.database_url, pool_size=1, name="slipstream cli")
    try:
        yield Users(database, Passwords()), command_actor()
    finally:
        database.close()
