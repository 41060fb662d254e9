"""`slipstream accounts`: create, list, change and erase accounts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from app.cli.options import json_option, print_json, print_table, with_settings
from app.cli.recording import command_actor, recorded

if TYPE_CHECKING:
    from app.core.accounts import Account
    from app.core.settings import Settings

_PAGE = 1_000


@click.group("accounts")
def group() -> None:
    """Create, list, change and erase accounts."""


@group.command()
@click.argument("account_id")
@click.option("--name", help="What people call it. Default: its id.")
@click.option("--tier", default="free", show_default=True, help="Which limits it has.")
@json_option
@with_settings
def create(account_id: str, name: str | None, tier: str, *, as_json: bool, settings: Settings) -> None:
    """Create an account."""
    from app.cli.administration import administration  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.core.accounts_service import NewAccount  # noqa: PLC0415

    new = NewAccount(account_id=account_id, name=account_id if name is None else name, tier=tier)
    with administration(settings) as ours, recorded(settings, "accounts.create", account_id, tier=tier):
        _print([ours.accounts.create(new, datetime.now(UTC))], as_json=as_json)


@group.command("list")
@json_option
@with_settings
def list_all(*, as_json: bool, settings: Settings) -> None:
    """List all accounts."""
    from app.cli.administration import administration  # noqa: PLC0415 - `slipstream --help` stays quick.

    found: list[Account] = []
    with administration(settings) as ours:
        while page := ours.accounts.page(after=found[-1].account_id if found else "", limit=_PAGE):
            found += page
    _print(found, as_json=as_json, many=True)


@group.command("set-tier")
@click.argument("account_id")
@click.argument("tier")
@json_option
@with_settings
def set_tier(account_id: str, tier: str, *, as_json: bool, settings: Settings) -> None:
    """Put an account into a tier; its new limits hold at once."""
    from app.cli.administration import administration  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.core.accounts_service import AccountChange  # noqa: PLC0415

    with administration(settings) as ours, recorded(settings, "accounts.set_tier", account_id, tier=tier):
        _print([ours.accounts.change(account_id, AccountChange(tier=tier), datetime.now(UTC))], as_json=as_json)


@group.command()
@click.argument("account_id")
@click.option("--yes", is_flag=True, help="Do not ask for the id again.")
@json_option
@with_settings
def delete(account_id: str, *, yes: bool, as_json: bool, settings: Settings) -> None:
    """Erase an account for good, with everything that names it. Its keys end at once; workers do the rest."""
    from app.cli.administration import administration  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.cli.erasures import show  # noqa: PLC0415

    if not yes and click.prompt("There is no way back. Type the id again", err=True) != account_id:
        raise click.ClickException("That is another id: nothing was erased.")
    with administration(settings) as ours, recorded(settings, "accounts.delete", account_id):
        erasure = ours.erasures.begin(account_id, by=command_actor().name, now=datetime.now(UTC))
    show([erasure], as_json=as_json)


def _print(found: list[Account], *, as_json: bool, many: bool = False) -> None:
    if as_json:
        # The struct that the API answers with, so that the two never differ.
        from msgspec import convert, to_builtins  # noqa: PLC0415 - `slipstream --help` stays quick.

        from app.api.accounts import AccountView  # noqa: PLC0415

        values = to_builtins(convert(found, list[AccountView], from_attributes=True))
        print_json(values if many else values[0])
        return
    rows = [
        (account.account_id, account.name, account.tier, account.shard, f"{account.created_at:%Y-%m-%d %H:%M}")
        for account in found
    ]
    print_table(("ACCOUNT", "NAME", "TIER", "SHARD", "CREATED (UTC)"), rows)
