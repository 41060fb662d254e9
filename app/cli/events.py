"""`slipstream events`: send files of events."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.files import open_lines, progress_bar

if TYPE_CHECKING:
    from app.cli.sending import Progress


DEFAULT_URL = "http://127.0.0.1:8080"
KEY_VARIABLE = "SLIPSTREAM_KEY"


@click.group("events")
def group() -> None:
    """Events, as their senders see them."""


@group.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", help=f"Where the platform answers.  [default: {DEFAULT_URL}]")
@click.option(
    "--data",
    "data_dir",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Send to the instance that `slipstream up` runs on this directory.",
)
@click.option(
    "--key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"A file with one API key a line, one for each account. Default: the key in {KEY_VARIABLE}.",
)
@click.option("--batch", "batch_size", default=1_000, show_default=True, type=click.IntRange(1, 1_000))
@click.option("--give-up-after", default=300.0, show_default=True, help="Seconds to try one batch for.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def send(
    file: Path,
    *,
    url: str | None,
    data_dir: Path | None,
    key_file: Path | None,
    batch_size: int,
    give_up_after: float,
    as_json: bool,
) -> None:
    """Send FILE, one event as JSON a line (may be gzipped), and repeat what was not taken until it is.

    Lines with an account_id are sent with that account's key. Sending the same file again stores nothing twice.
    """
    from app.cli.sending import Sender, SendingError  # noqa: PLC0415 - `slipstream --help` stays quick.

    keys = _keys(key_file)
    with open_lines(file) as (source, lines), progress_bar("sending", file.stat().st_size) as advance:
        sender = Sender(
            url or _address(data_dir), keys, give_up_after_s=give_up_after, watch=lambda _: advance(source.tell())
        )
        try:
            progress = sender.send(lines, batch_size=batch_size)
        except SendingError as error:
            _report(sender.progress, as_json=as_json)
            raise click.ClickException(str(error)) from error
        finally:
            sender.close()
        advance(source.tell())
    _report(progress, as_json=as_json)
    if progress.refused:
        sys.exit(1)


def _address(data_dir: Path | None) -> str:
    """Return where the instance on a directory answers; raises `EmbeddedError` when none runs there."""
    if data_dir is None:
        return DEFAULT_URL
    from app.embedded.directory import running_environment  # noqa: PLC0415 - only installations that embed the engines.

    return running_environment(data_dir).get("SLIPSTREAM_BASE_URL", DEFAULT_URL)


def _keys(key_file: Path | None) -> dict[str, str]:
    from app.core.keys import parse_key  # noqa: PLC0415 - `slipstream --help` stays quick.

    text = key_file.read_text() if key_file else os.environ.get(KEY_VARIABLE, "")
    keys = {}
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines())), start=1):
        presented = parse_key(line)
        if presented is None:
            raise click.UsageError(f"Key number {number} is not an API key.")
        keys[presented.account_id] = line
    if not keys:
        raise click.UsageError(f"There is no key: give --key-file, or set {KEY_VARIABLE}.")
    return keys


def _report(progress: Progress, *, as_json: bool) -> None:
    if as_json:
        refused = [{"line": one.line, "reason": one.reason} for one in progress.refused]
        done = {"accepted": progress.accepted, "batches": progress.batch_ids, "waits": progress.waits}
        click.echo(json.dumps({**done, "refused": refused}))
        return
    for one in progress.refused:
        click.echo(f"line {one.line}: {one.reason}", err=True)
    click.echo(
        f"{progress.accepted:,} events accepted in {progress.batches:,} batches, {len(progress.refused):,} refused"
    )
