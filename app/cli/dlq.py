"""`slipstream dlq`: list, replay and purge dead letters."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from app.cli.options import json_option, print_json, print_table, with_settings
from app.cli.recording import recorded
from ingestion.dead_letters import LetterId, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from app.core.settings import Settings
    from ingestion.dead_letter_queue import DeadLetterQueue
    from ingestion.dead_letters_store import Selection


def _parse(_ctx: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[LetterId, ...]:
    try:
        return tuple(LetterId.parse(text) for text in texts)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--account", "account_id", help="Letters of this account alone.")(command)
    return click.option(
        "--reason", type=click.Choice([reason.value for reason in Reason]), help="Dead for this reason alone."
    )(command)


_letters = click.argument("letters", nargs=-1, callback=_parse)
_all = click.option("--all", "everything", is_flag=True, help="All letters that the filters name.")


@click.group("dlq")
def group() -> None:
    """List, replay and purge dead letters.

    They are events that were accepted and cannot be stored. A letter is named <batch_id>.<position>.
    """


@group.command("list")
@_filters
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="Letters to show.")
@json_option
@with_settings
def list_all(account_id: str | None, reason: str | None, limit: int, *, as_json: bool, settings: Settings) -> None:
    """List dead letters, the last to die first."""
    with _queue(settings) as queue:
        found = queue.page(_selection(account_id, reason), after=None, limit=limit)
    if as_json:
        names = ("account_id", "event_id", "type", "reason", "detail", "attempts", "received_at", "died_at")
        print_json(
            [
                {
                    "id": str(letter.id),
                    **{name: getattr(letter, name) for name in names},
                    "body": letter.body.decode(errors="replace"),
                }
                for letter in found
            ]
        )
        return
    if not found:
        click.echo("No dead letters.")
        return
    rows = [
        (
            letter.id,
            letter.account_id,
            letter.event_id,
            letter.reason,
            letter.attempts,
            f"{letter.died_at:%Y-%m-%d %H:%M:%S}",
            letter.detail,
        )
        for letter in found
    ]
    print_table(("LETTER", "ACCOUNT", "EVENT", "REASON", "ATTEMPTS", "DIED (UTC)", "DETAIL"), rows)


@group.command()
@_letters
@_all
@_filters
@with_settings
def replay(
    letters: tuple[LetterId, ...], account_id: str | None, reason: str | None, *, everything: bool, settings: Settings
) -> None:
    """Put letters back into the queue. Those that are stored leave the list."""
    _check_usage(letters, everything, account_id or reason)
    with _queue(settings) as queue, _recorded(settings, "replay", letters, account_id, reason):
        if everything:
            count = queue.replay_all(_selection(account_id, reason), datetime.now(UTC))
        else:
            count = sum(_each(letters, queue.replay))
    click.echo(f"{count} dead letters are in the queue again.", err=True)


@group.command()
@_letters
@_all
@_filters
@click.option("--yes", is_flag=True, help="Do not ask before --all.")
@with_settings
def purge(
    letters: tuple[LetterId, ...],
    account_id: str | None,
    reason: str | None,
    *,
    everything: bool,
    yes: bool,
    settings: Settings,
) -> None:
    """Remove letters for ever. Their batches still count them as dead."""
    _check_usage(letters, everything, account_id or reason)
    if everything and not yes:
        which = "the dead letters that the filters name" if account_id or reason else "all dead letters"
        click.confirm(f"This removes {which} for ever. Go on?", abort=True, err=True)
    with _queue(settings) as queue, _recorded(settings, "purge", letters, account_id, reason):
        if everything:
            count = queue.purge_all(_selection(account_id, reason), datetime.now(UTC))
        else:
            count = sum(_each(letters, queue.purge))
    click.echo(f"{count} dead letters are gone.", err=True)


def _recorded(
    settings: Settings, what: str, letters: tuple[LetterId, ...], account_id: str | None, reason: str | None
) -> AbstractContextManager[None]:
    if letters:
        return recorded(settings, f"dlq.{what}", ", ".join(map(str, letters)))
    return recorded(settings, f"dlq.{what}_all", account_id or "every account", reason=reason)


def _check_usage(letters: tuple[LetterId, ...], everything: bool, filtered: str | None) -> None:  # noqa: FBT001 (private)
    if everything == bool(letters):
        raise click.UsageError("Name letters, or say --all.")
    if filtered and not everything:
        raise click.UsageError("Filters go with --all.")


def _each(letters: tuple[LetterId, ...], action: Callable[[LetterId], bool]) -> Iterator[bool]:
    missing = []
    for letter_id in letters:
        found = action(letter_id)
        if not found:
            missing.append(str(letter_id))
        yield found
    if missing:
        raise click.ClickException(f"There is no dead letter {', '.join(missing)}.")


def _selection(account_id: str | None, reason: str | None) -> Selection:
    from ingestion.dead_letters_store import Selection  # noqa: PLC0415 - `slipstream --help` stays quick.

    return Selection(account_id=account_id, reason=reason)


@contextmanager
def _queue(settings: Settings) -> Iterator[DeadLetterQueue]:
    from app.core.database import Database  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.core.valkey import Valkey  # noqa: PLC0415
    from app.task_queue import task_queue  # noqa: PLC0415
    from ingestion.dead_letter_queue import DeadLetterQueue  # noqa: PLC0415

    database = Database(settings.database_url, pool_size=1, name="slipstream cli")
    valkey = Valkey(settings.redis_url)
    try:
        yield DeadLetterQueue(database, task_queue(settings, database, valkey).replay)
    finally:
        database.close()
        valkey.forget()
