"""`slipstream report`: write reports to files, have them made and sent, and see to who gets them regularly."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.options import json_option, print_json, print_table, with_settings
from app.cli.report.subscriptions import subscriptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.settings import Settings

_FORMATS = ("pdf", "html", "json", "csv")
_MOST_LISTED = 200


class _Formats(click.ParamType[tuple[str, ...]]):
    """Formats with commas in between."""

    name = "formats"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        given = tuple(dict.fromkeys(str(value).split(","))) if isinstance(value, str) else tuple(value)
        unknown = [each for each in given if each not in _FORMATS]
        if unknown:
            self.fail(f"{unknown[0]!r} is not one of {', '.join(_FORMATS)}", param, ctx)
        return given


def _ordering(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.option(
            "--period", help="2026-10 or 2026-W43, last-month, this-week, …  [default: the last one that is over]"
        ),
        click.option("--service", help="Of this service alone."),
        click.option("--account", "account_id", help="Of this account's requests alone."),
        click.option("--tier", help="Of this tier's requests alone."),
        click.option("--timezone", help="IANA time zone of the period.  [default: SLIPSTREAM_TIMEZONE]"),
        click.option("--paper", type=click.Choice(["a4", "letter"]), default="a4", show_default=True),
        click.option(
            "--out", type=click.Path(file_okay=False, path_type=Path), help="Write files into this directory."
        ),
        click.option(
            "--format", "formats", type=_Formats(), default="pdf", show_default=True, help="pdf,html,json,csv"
        ),
        click.option(
            "--send-to", multiple=True, metavar="ADDRESS", help="Have it made by the workers and mailed there."
        ),
        with_settings,
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group("report")
def group() -> None:
    """Reports of weeks and months, for people."""


group.add_command(subscriptions)


@group.command("weekly")
@_ordering
def weekly(**given: Any) -> None:
    """Report on a week, such as 2026-W43."""
    _run("weekly", **given)


@group.command("monthly")
@_ordering
def monthly(**given: Any) -> None:
    """Report on a month, such as 2026-10."""
    _run("monthly", **given)


def _run(
    kind: str,
    *,
    period: str | None,
    service: str | None,
    account_id: str | None,
    tier: str | None,
    timezone: str | None,
    paper: str,
    out: Path | None,
    formats: tuple[str, ...],
    send_to: tuple[str, ...],
    settings: Settings,
) -> None:
    from rich.console import Console  # noqa: PLC0415 - `slipstream --help` stays quick.

    from app.cli.report.writing import ask_workers, order_of, write_files  # noqa: PLC0415
    from app.core.clock import CLOCK  # noqa: PLC0415
    from reporting.reports.archive import Format, Paper, ReportError  # noqa: PLC0415
    from reporting.reports.model import Kind, Scope  # noqa: PLC0415

    if out is None and not send_to:
        raise click.UsageError("Say where to write it by --out, or whom to send it by --send-to.")
    now = CLOCK.now()
    scope = Scope(service=service, account_id=account_id, tier=tier)
    order = order_of(Kind(kind), period, timezone or settings.timezone, scope, now)
    if out is not None:
        with Console(stderr=True).status("") as status:
            try:
                written = write_files(
                    settings,
                    order,
                    [Format(each) for each in formats],
                    Paper(paper),
                    out=out,
                    now=now,
                    watch=status.update,
                )
            except (ReportError, OSError) as error:
                raise click.ClickException(str(error)) from error
        for path in written.paths.values():
            click.echo(path)
        if written.missing:
            raise click.ClickException("\n".join(f"no {name.upper()}: {why}" for name, why in written.missing.items()))
    if send_to:
        report_id = ask_workers(settings, order, Paper(paper), to=send_to, now=now)
        click.echo(f"{report_id} goes to {', '.join(send_to)} once the workers have made it")


@group.command("list")
@click.option("--kind", type=click.Choice(["weekly", "monthly"]), help="Of this kind alone.")
@click.option("--service", help="Of this service alone.")
@json_option
@with_settings
def list_reports(*, kind: str | None, service: str | None, as_json: bool, settings: Settings) -> None:
    """List the reports of the archive, the last to be ordered first."""
    from app.cli.report.writing import archived  # noqa: PLC0415 - `slipstream --help` stays quick.

    found = archived(settings, kind=kind, service=service, limit=_MOST_LISTED)
    if as_json:
        print_json(
            [
                {
                    "report_id": each.report_id,
                    "revision": each.revision,
                    "kind": each.order.kind,
                    "period": each.order.period,
                    "timezone": each.order.timezone,
                    "service": each.order.scope.service,
                    "account_id": each.order.scope.account_id,
                    "tier": each.order.scope.tier,
                    "state": each.state,
                    "reason": each.reason,
                    "ordered_at": each.ordered_at.astimezone(UTC).isoformat(),
                }
                for each in found
            ]
        )
        return
    rows = [
        (
            each.report_id,
            each.order.period,
            each.order.timezone,
            " ".join(filter(None, (each.order.scope.service, each.order.scope.account_id, each.order.scope.tier))),
            f"{each.state}: {each.reason}" if each.reason else each.state,
            f"{each.ordered_at.astimezone(UTC):%Y-%m-%d %H:%M}",
        )
        for each in found
    ]
    print_table(("REPORT", "PERIOD", "TIME ZONE", "OF", "STATE", "ORDERED (UTC)"), rows)
