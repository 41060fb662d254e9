"""`slipstream alerts`: try whether those who are to be told can be."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from app.cli.options import json_option, print_json, print_table, with_settings

if TYPE_CHECKING:
    from app.core.notify.direct import Try
    from app.core.settings import Settings


@click.group("alerts")
def group() -> None:
    """Try whether those who are to be told of alerts can be."""


@group.command("test-route")
@click.option("--severity", type=click.Choice(["page", "ticket"]), default="page", show_default=True)
@click.option("--service", default="slipstream", show_default=True, help="Whose alert it would be.")
@click.option(
    "--target", "targets", multiple=True, help="A target that a policy names; without, those of the severity."
)
@click.option("--dry-run", is_flag=True, help="Say who would be told, and tell nobody.")
@json_option
@with_settings
def test_route(
    severity: str, service: str, targets: tuple[str, ...], *, dry_run: bool, as_json: bool, settings: Settings
) -> None:
    """Tell everybody whom an alert would reach that this is a test, also those who stand in for others.

    It takes the way of alerts, but for the queue. Exit status 1 when anybody cannot be reached, or there is nobody.
    """
    from app.core.notify.channels import make_channels  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.core.notify.direct import Try, chains_of, try_each  # noqa: PLC0415
    from app.core.notify.notification import Notification, PostedAlert  # noqa: PLC0415
    from app.core.notify.routes import routes_of  # noqa: PLC0415
    from app.core.notify.urgency import Urgency  # noqa: PLC0415

    routes = routes_of(settings)
    if unknown := set(targets) - routes.names:
        raise click.ClickException(f"The settings name no target {', '.join(sorted(unknown))}.")
    now = datetime.now(UTC)
    name = f"test.{secrets.token_hex(8)}"
    labels = {"alertname": "SlipstreamTest", "service": service, "severity": severity, "origin": "slipstream"}
    notification = Notification(
        id=name,
        subject=name,
        urgency=Urgency(severity),
        service=service,
        event="test.route",
        title=f"{service}: this is a test",
        text=f"Somebody tries whether a {severity} of the service {service} reaches you. There is nothing to do.",
        at=now,
        targets=targets,
        alerts=(PostedAlert(labels=labels, annotations={"summary": "This is a test."}, starts_at=now, ends_at=now),),
    )
    chains = chains_of(routes, notification)
    told = [target for chain in chains for target in chain]
    if dry_run:
        tries = [Try(target) for target in told]
    else:
        tries = list(try_each(told, make_channels(settings).send, notification, now))
    _print(tries, as_json=as_json, dry_run=dry_run)
    if not tries:
        raise click.ClickException(f"Nobody is told. Set SLIPSTREAM_NOTIFY_{severity.upper()}.")
    if any(each.reason for each in tries):
        raise SystemExit(1)


def _print(tries: list[Try], *, as_json: bool, dry_run: bool) -> None:
    told = "would be told" if dry_run else "told"
    if as_json:
        print_json(
            [
                {"target": each.target.id, "channel": each.target.channel, "told": not each.reason and not dry_run}
                | ({"reason": each.reason} if each.reason else {})
                for each in tries
            ]
        )
    elif tries:
        rows = [
            (each.target.label, each.target.channel, f"failed: {each.reason}" if each.reason else told)
            for each in tries
        ]
        print_table(("TARGET", "CHANNEL", "OUTCOME"), rows)
