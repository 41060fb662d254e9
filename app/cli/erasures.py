"""`slipstream erasures`: accounts that were erased, and a copy of the list for the time after a restore."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.options import json_option, print_json, print_table, with_settings
from app.cli.recording import command_actor, recorded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.erasure.erasure import Erasure
    from app.core.settings import Settings

_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.group("erasures")
def group() -> None:
    """List erased accounts, and carry the list over into a restored backup."""


@group.command("list")
@json_option
@with_settings
def list_all(*, as_json: bool, settings: Settings) -> None:
    """List accounts that were erased or are being erased, the last first. They have no names."""
    from app.cli.administration import administration  # noqa: PLC0415 - `slipstream --help` stays quick.

    with administration(settings) as ours:
        found = ours.erasures.every()
    show(found, as_json=as_json, many=True)


@group.command("export")
@_file
@with_settings
def export(file: Path, *, settings: Settings) -> None:
    """Write what a restore needs to erase again. Keep FILE as you keep backups, but apart from them."""
    from app.cli.administration import administration  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.core.erasure.erasures_file import write  # noqa: PLC0415

    with administration(settings) as ours:
        found = ours.erasures.every()
        key = ours.erasures.key(datetime.now(UTC))
    write(file, key, found)
    click.echo(f"{len(found):,} erasures are in {file}.")


@group.command("apply")
@_file
@json_option
@with_settings
def apply(file: Path, *, as_json: bool, settings: Settings) -> None:
    """Erase again the accounts in FILE that a restored backup has brought back."""
    from app.cli.administration import administration  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.core.erasure.erasures_file import UnreadableFileError, read  # noqa: PLC0415

    with recorded(settings, "erasures.apply", file.name):
        try:
            copy = read(file)
        except UnreadableFileError as error:
            raise click.ClickException(str(error)) from error
        with administration(settings) as ours:
            by = command_actor().name
            begun = ours.erasures.apply_again(copy.key, copy.records(), by=by, now=datetime.now(UTC))
    show(begun, as_json=as_json, many=True)


def show(found: Sequence[Erasure], *, as_json: bool, many: bool = False) -> None:
    """Print erasures, for machines as the API answers with them."""
    if as_json:
        from msgspec import to_builtins  # noqa: PLC0415 - `slipstream --help` stays quick.

        from app.api.erasures import view_of  # noqa: PLC0415

        values = [to_builtins(view_of(each)) for each in found]
        print_json(values if many else values[0])
        return
    rows = [
        (
            each.erasure_id,
            each.state.value,
            f"{each.requested_at:%Y-%m-%d %H:%M}",
            each.requested_by,
            None if each.done_at is None else f"{each.done_at:%Y-%m-%d %H:%M}",
            sum(each.counts.values()),
        )
        for each in found
    ]
    print_table(("ERASURE", "STATE", "REQUESTED (UTC)", "BY", "DONE (UTC)", "ROWS"), rows)
