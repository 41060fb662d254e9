"""`slipstream slo`: check, apply, show and replay definitions."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.options import json_option, print_json, print_table, with_settings
from app.cli.recording import command_actor, recorded
from app.cli.slo_tables import applied_rows, replayed_rows, slo_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.core.settings import Settings
    from reporting.slo_service import SLOs

_files = click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)


class _Days(click.ParamType[timedelta]):
    """A duration such as `28d`, `12h` or `90m`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        from reporting.definitions.durations import DurationError, parse_duration  # noqa: PLC0415 - Help stays quick.

        try:
            length = value if isinstance(value, timedelta) else parse_duration(str(value)).length
        except DurationError as error:
            self.fail(str(error), param, ctx)
        if not timedelta(minutes=1) <= length <= timedelta(days=366):
            self.fail("it is from a minute to a year", param, ctx)
        return length


@click.group("slo")
def group() -> None:
    """Promises: what they say, how they stand, and how often they would have paged."""


@group.command()
@_files
@json_option
def validate(files: tuple[Path, ...], *, as_json: bool) -> None:
    """Check OpenSLO files by themselves, and print every mistake with its place. Exit status 1 when one cannot be applied."""
    from reporting.definitions.load import load  # noqa: PLC0415 - `slipstream --help` stays quick.
    from reporting.slo_difference import finding_view  # noqa: PLC0415

    loaded = load(_read(files))
    if as_json:
        print_json([_plain(finding_view(finding)) for finding in loaded.findings])
    else:
        for finding in loaded.findings:
            click.echo(f"{finding.severity}: {finding}")
    if loaded.errors:
        raise click.exceptions.Exit(1)
    if not as_json:
        click.echo(f"{len(loaded.definitions)} SLOs can be applied.", err=True)


@group.command()
@_files
@click.option("--dry-run", is_flag=True, help="Say what it would change, with the effect on budgets, and do nothing.")
@json_option
@with_settings
def apply(files: tuple[Path, ...], *, dry_run: bool, as_json: bool, settings: Settings) -> None:
    """Apply OpenSLO files. The old target keeps holding for the time before."""
    text = _read(files)
    with _slos(settings) as slos, _refusals(), ExitStack() as stack:
        if not dry_run:
            stack.enter_context(recorded(settings, "slos.apply", _names(text)))
        applied = slos.apply(text, by=command_actor().name, now=datetime.now(UTC), dry_run=dry_run)
    if as_json:
        print_json(_plain(applied))
        return
    for finding in applied.findings:
        click.echo(f"{finding.severity}: {finding.document} {finding.path}: {finding.message}", err=True)
    print_table(("SLO", "WOULD BE" if dry_run else "IS", "FIELD", "BEFORE", "AFTER"), list(applied_rows(applied)))
    if any(slo.exhausts for slo in applied.slos):
        click.echo("A budget that had something left is exhausted by this.", err=True)


@group.command()
@click.argument("name", required=False)
@json_option
@with_settings
def show(name: str | None, *, as_json: bool, settings: Settings) -> None:
    """Print how one SLO stands, or all of them."""
    now = datetime.now(UTC)
    with _slos(settings) as slos:
        if name is None:
            found = slos.every(now)
        else:
            one = slos.one(name, now)
            if one is None:
                raise click.ClickException(f"There is no SLO {name}.")
            found = [one]
    if as_json:
        print_json(_plain(found if name is None else found[0]))
        return
    print_table(("SLO", "SERVICE", "STATE", "TARGET", "SLI", "BAD", "TOTAL", "BUDGET LEFT", "BURN 1h"), slo_rows(found))


@group.command()
@click.argument("names", nargs=-1)
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Play what a file proposes, before it is applied; may be repeated.",
)
@click.option("--over", type=_Days(), default="28d", show_default=True, help="How far back.")
@json_option
@with_settings
def replay(
    names: tuple[str, ...], files: tuple[Path, ...], over: timedelta, *, as_json: bool, settings: Settings
) -> None:
    """Say how often alerts would have told somebody, over stored telemetry; of no NAMES all."""
    with _slos(settings) as slos, _refusals():
        try:
            replayed = slos.replay(_read(files) if files else None, names, datetime.now(UTC), over)
        except LookupError as error:
            raise click.ClickException(str(error)) from error
    rows = [row for each in replayed for row in replayed_rows(each)]
    if as_json:
        print_json([{"slo": slo, "alert": alert, "at": at, "until": until} for slo, alert, at, until in rows])
        return
    print_table(("SLO", "ALERT", "FROM (UTC)", "UNTIL (UTC)"), rows)
    for each in replayed:
        click.echo(
            f"{each.definition.name}: told {len(each.pages)} times in {over}, {each.measured} minutes measured.",
            err=True,
        )


def _read(files: tuple[Path, ...]) -> str:
    return "\n---\n".join(sys.stdin.read() if str(path) == "-" else path.read_text("utf-8") for path in files)


def _names(text: str) -> str:
    from reporting.definitions.load import load  # noqa: PLC0415 - `slipstream --help` stays quick.

    return ", ".join(each.metadata.name for each in load(text).objects)


def _plain(value: Any) -> Any:
    import msgspec  # noqa: PLC0415 - `slipstream --help` stays quick.

    return msgspec.to_builtins(value)


@contextmanager
def _refusals() -> Iterator[None]:
    from reporting.definitions.findings import DefinitionError  # noqa: PLC0415 - `slipstream --help` stays quick.

    try:
        yield
    except DefinitionError as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def _slos(settings: Settings) -> Iterator[SLOs]:
    from app.core.database import Database  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.core.valkey import Valkey  # noqa: PLC0415
    from app.slo_composition import compose_slos, installation_of  # noqa: PLC0415

    database = Database(settings.database_url, pool_size=2, statement_timeout_ms=_PATIENCE_MS, name="slipstream cli")
    valkey = Valkey(settings.redis_url)
    try:
        yield compose_slos(database, valkey, here=installation_of(settings)).slos
    finally:
        database.close()
        valkey.forget()


_PATIENCE_MS = 60_000
"""Nobody stands at the counter: a month of minutes may be read for a replay."""
