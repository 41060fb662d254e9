"""`slipstream keys`: create, list and revoke API keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from app.cli.options import json_option, print_json, print_table, with_settings
from app.cli.recording import recorded
from app.core.keys import TENANT_SCOPES, Scope

if TYPE_CHECKING:
    from app.core.keys import ApiKey
    from app.core.settings import Settings


@click.group("keys")
def group() -> None:
    """Create, list and revoke API keys."""


@group.command()
@click.argument("account_id")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it may do; may be repeated. Default: all but admin.",
)
@click.option("--days", type=click.IntRange(1, 36_500), help="It ends after so many days. Default: never.")
@json_option
@with_settings
def create(account_id: str, scopes: tuple[str, ...], days: int | None, *, as_json: bool, settings: Settings) -> None:
    """Create a key. It is printed this once, alone on stdout; only its hash is kept."""
    from app.cli.administration import administration  # noqa: PLC0415 - `slipstream --help` stays quick.

    now = datetime.now(UTC)
    expires_at = None if days is None else now + timedelta(days=days)
    wanted = frozenset(map(Scope, scopes)) or TENANT_SCOPES
    detail = {"scopes": sorted(wanted), "days": days}
    with administration(settings) as ours, recorded(settings, "keys.create", account_id, **detail):
        issued = ours.keys.create(account_id, wanted, now=now, expires_at=expires_at)
    if as_json:
        print_json({**_value(issued.key, now), "key": issued.text})
        return
    click.echo(issued.text)
    click.echo(f"Key {issued.key.key_id} of {account_id}. It is not shown again.", err=True)


@group.command("list")
@click.argument("account_id")
@json_option
@with_settings
def list_all(account_id: str, *, as_json: bool, settings: Settings) -> None:
    """List the keys of an account. Newest first, also those that ended."""
    from app.cli.administration import administration  # noqa: PLC0415 - `slipstream --help` stays quick.

    now = datetime.now(UTC)
    with administration(settings) as ours:
        found = ours.keys.of_account(account_id)
    if as_json:
        print_json([_value(key, now) for key in found])
        return
    rows = [(key.key_id, key.state(now), ",".join(sorted(key.scopes)), *map(_minute, _instants(key))) for key in found]
    print_table(("KEY", "STATE", "SCOPES", "CREATED (UTC)", "EXPIRES", "REVOKED", "LAST USED"), rows)


@group.command()
@click.argument("key_id")
@with_settings
def revoke(key_id: str, *, settings: Settings) -> None:
    """End a key. No request is let in with it once this command has ended well."""
    from app.cli.administration import administration  # noqa: PLC0415 - `slipstream --help` stays quick.

    with administration(settings) as ours, recorded(settings, "keys.revoke", key_id):
        ours.keys.revoke(key_id, datetime.now(UTC))
    click.echo(f"Key {key_id} is revoked.", err=True)


def _instants(key: ApiKey) -> tuple[datetime | None, ...]:
    return key.created_at, key.expires_at, key.revoked_at, key.last_used_at


def _minute(instant: datetime | None) -> str:
    return "" if instant is None else f"{instant:%Y-%m-%d %H:%M}"


def _value(key: ApiKey, now: datetime) -> dict[str, Any]:
    """The struct that the API answers with, so that the two never differ."""
    from msgspec import to_builtins  # noqa: PLC0415 - `slipstream --help` stays quick.

    from app.api.keys import KeyView  # noqa: PLC0415

    view = KeyView(
        key_id=key.key_id,
        account_id=key.account_id,
        scopes=sorted(key.scopes),
        state=key.state(now),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
    )
    value: dict[str, Any] = to_builtins(view)
    return value
