"""`slipstream report subscriptions`: who gets reports regularly."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from app.cli.options import json_option, print_json, print_table, with_settings
from app.cli.recording import command_actor, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.core.settings import Settings
    from reporting.reports.subscriptions import Subscription
    from reporting.reports.subscriptions_service import Subscriptions


@click.group("subscriptions")
def subscriptions() -> None:
    """Who gets reports regularly."""


@subscriptions.command("add")
@click.argument("kind", type=click.Choice(["weekly", "monthly"]))
@click.option("--to", "audience", multiple=True, metavar="ADDRESS", help="Mail address; without any they are archived.")
@click.option("--service", help="Of this service alone.")
@click.option("--account", "account_id", help="Of this account's requests alone.")
@click.option("--tier", help="Of this tier's requests alone.")
@click.option("--timezone", help="IANA time zone of periods and hour.  [default: SLIPSTREAM_TIMEZONE]")
@click.option("--hour", type=click.IntRange(0, 23), default=7, show_default=True, help="Of the day after each period.")
@click.option("--paper", type=click.Choice(["a4", "letter"]), default="a4", show_default=True)
@with_settings
def add_subscription(
    kind: str,
    *,
    audience: tuple[str, ...],
    service: str | None,
    account_id: str | None,
    tier: str | None,
    timezone: str | None,
    hour: int,
    paper: str,
    settings: Settings,
) -> None:
    """Send a report of each week or month from now on."""
    from app.core.clock import CLOCK  # noqa: PLC0415 - `slipstream --help` stays quick.
    from reporting.reports.archive import Paper  # noqa: PLC0415
    from reporting.reports.model import Kind, Scope  # noqa: PLC0415
    from reporting.reports.schedule import Rhythm  # noqa: PLC0415

    scope = Scope(service=service, account_id=account_id, tier=tier)
    rhythm = Rhythm(kind=Kind(kind), timezone=timezone or settings.timezone, hour=hour, scope=scope)
    detail = {"audience": list(audience), "service": service, "account_id": account_id, "tier": tier}
    by = command_actor().name
    with _service(settings) as service_of_them, recorded(settings, "subscriptions.add", kind, **detail):
        added = service_of_them.add(rhythm, CLOCK.now(), audience=audience, paper=Paper(paper), by=by)
    click.echo(f"{added.subscription_id}: {added.next_period} is due at {added.due_at:%Y-%m-%d %H:%M} UTC")


@subscriptions.command("list")
@json_option
@with_settings
def list_subscriptions(*, as_json: bool, settings: Settings) -> None:
    """List the subscriptions that hold."""
    with _service(settings) as service:
        found = service.all()
    if as_json:
        print_json([_plain(each) for each in found])
        return
    rows = [
        (
            each.subscription_id,
            each.rhythm.kind,
            each.rhythm.scope.service or "all services",
            ", ".join(each.audience) or "the archive",
            f"{each.rhythm.hour}:00 {each.rhythm.timezone}",
            each.next_period,
        )
        for each in found
    ]
    print_table(("SUBSCRIPTION", "KIND", "OF", "TO", "AT", "NEXT"), rows)


@subscriptions.command("remove")
@click.argument("subscription_id")
@with_settings
def remove_subscription(subscription_id: str, *, settings: Settings) -> None:
    """End a subscription."""
    from app.core.clock import CLOCK  # noqa: PLC0415 - `slipstream --help` stays quick.

    with _service(settings) as service, recorded(settings, "subscriptions.remove", subscription_id):
        service.remove(subscription_id, CLOCK.now())
    click.echo(f"{subscription_id} has ended")


@contextmanager
def _service(settings: Settings) -> Iterator[Subscriptions]:
    from app.core.database import Database  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.report_composition import report_subscriptions  # noqa: PLC0415

    database = Database(settings.database_url, pool_size=1, name="slipstream report")
    try:
        yield report_subscriptions(settings, database)
    finally:
        database.close()


def _plain(subscription: Subscription) -> dict[str, object]:
    rhythm = subscription.rhythm
    scope = {"service": rhythm.scope.service, "account_id": rhythm.scope.account_id, "tier": rhythm.scope.tier}
    plain = {name: value for name, value in asdict(subscription).items() if name != "rhythm"}
    return {**plain, "kind": rhythm.kind, "timezone": rhythm.timezone, "hour": rhythm.hour, **scope}
