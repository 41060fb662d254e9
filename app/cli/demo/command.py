"""`slipstream demo`: the main job on this machine, with a worker killed in its middle, and the proof that nothing is lost."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from app.cli.chaos.evidence_store import read_evidence
from app.cli.demo import limits
from app.cli.demo.accounts import open_accounts
from app.cli.demo.data import claim
from app.cli.demo.flights import AIRLINES, flights_until
from app.cli.demo.incident import play, settings_of
from app.cli.demo.promise import LATE_MIN, NAME, apply_promise, read_promise
from app.cli.demo.promises import promises_table, read_promises
from app.cli.demo.receiver import Receiver
from app.cli.demo.reports import import_website, show_reports
from app.cli.demo.sending import drain, send
from app.cli.demo.summaries import show_summaries
from app.cli.demo.verdict import NOTHING, balance_of, broken_claims, since
from app.core.logs import configure_logging
from app.platform import Platform, PlatformOptions
from reporting.slo.presentation import percent_down

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.cli.chaos.checker import Evidence
    from app.cli.demo.data import Claimed
    from app.cli.demo.flights import Flights
    from app.cli.demo.promise import Promise


@click.command("demo")
@click.option("--once", is_flag=True, help="End by itself, with exit status 0 once everything has been verified.")
@click.option("--fresh", is_flag=True, help="Remove what an earlier demo has stored, instead of going on with it.")
@click.option("--data", type=click.Path(path_type=Path), default=Path(".slipstream/demo"), show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port of the API; 0 is any free one.")
def command(*, once: bool, fresh: bool, data: Path, port: int) -> None:
    """Send a month of real flights through the whole platform, kill a worker, and compare every id.

    Started again, it goes on with the data that are there: the same flights are sent under the same ids, and none is stored twice.
    """
    # The demo tells its story itself; what the supervisor notes of each step is in the logs of the data directory.
    configure_logging(level="error", style="console")
    console = Console(highlight=False, soft_wrap=True)
    now = datetime.now(UTC)
    claimed = claim(
        data, now=now, fresh=fresh, on_removal=lambda: console.print(f"Removing the data of an earlier demo in {data}.")
    )
    flights = flights_until(claimed.month_ends)
    _introduce(console, flights, claimed, now)
    markers = data / "faults"
    markers.mkdir(exist_ok=True)
    with Receiver() as receiver:
        settings = {**limits.SETTINGS, **settings_of(receiver, markers, claimed.clock)}
        with Platform(data, PlatformOptions(workers=2, port=port, settings=settings)).start() as platform:
            keys, broken = _run(console, platform, flights, goes_on=claimed.goes_on)
            console.print("\n[bold]An incident[/]: a minute of the SLOs takes a second here")
            broken += play(platform.base_url, keys, receiver, markers, say=console.print).broken
            requests = import_website(platform, claimed)
            console.print("\n[bold]Promises[/], over 30 days, after the incident")
            console.print(promises_table(read_promises(platform)), end="\n\n")
            broken += show_reports(console, platform, claimed, requests).broken
            if broken:
                console.print("[bold red]Not as promised:[/]")
                for sentence in broken:
                    console.print(f"  ✗ {sentence}")
                sys.exit(1)
            console.print(
                f"[bold green]✓[/] Every one of {flights.total:,} ids that were sent is stored, and stored once."
            )
            if not once:
                _keep_serving(console, platform, keys)


def _run(console: Console, platform: Platform, flights: Flights, *, goes_on: bool) -> tuple[dict[str, str], list[str]]:
    """Send everything and compare; returns the accounts' keys, and a sentence for whatever is not as promised."""
    instance = platform.instance
    console.print(f"The API, two workers, PostgreSQL and Valkey are running, on\n  {instance.data_dir}")
    apply_promise(platform)
    keys = open_accounts(platform)
    before = NOTHING
    if goes_on:
        drain(console, platform, "Waiting until what was in the queue is stored …")
        before = read_evidence(instance.database_url, instance.redis_url)
    console.print(
        f"{AIRLINES[limits.OVER_ITS_TIER]} sends far more than its tier ({limits.OVER_TIER}) lets in.\n"
        f"{AIRLINES[limits.BROKEN]} sends rubbish until its circuit opens, for {limits.OPEN_S} s (shipped: 30)."
    )
    senders = send(console, platform, keys, flights)
    drain(console, platform, "Waiting until another worker has taken over what the killed one held …")
    evidence = read_evidence(instance.database_url, instance.redis_url)
    sent = {airline: {str(event["event_id"]) for event in events} for airline, events in flights.events.items()}
    broken = broken_claims(sent, evidence, before)
    if senders.refused:
        broken.append(f"{senders.refused} batches were refused")
    told = senders.told
    broken += limits.broken_promises(told)
    console.print("\n[bold]Limits[/]: how often each client got which answer")
    console.print(limits.limits_table(told))
    show_summaries(console, platform, keys, flights)
    _show_balance(console, evidence, before)
    promise = read_promise(platform, flights)
    _show_promise(console, promise)
    return keys, broken + promise.broken


def _introduce(console: Console, flights: Flights, claimed: Claimed, now: datetime) -> None:
    ends = "ends now" if not claimed.goes_on else f"ends on {claimed.month_ends:%d %B at %H:%M} UTC"
    console.print(
        f"[bold]{flights.total:,} flights[/] that left New York in January 2013, of {len(AIRLINES)} airlines,\n"
        f"each with its own key. Moved by {flights.moved_by.days:,} days, so that their month {ends}."
    )
    if claimed.goes_on:
        age = (now - claimed.month_ends).days
        console.print(
            "Going on with the data of an earlier demo: the same flights at the same times, under the same\n"
            "ids, are sent again, and what is stored already counts as duplicate."
            + (f" They are {age} days old by now." if age else "")
            + " --fresh starts anew."
        )


def _show_balance(console: Console, evidence: Evidence, before: Evidence) -> None:
    balance = balance_of(evidence)
    console.print(
        f"[bold]accepted {balance.accepted:,}[/] = stored {balance.stored:,} + duplicates {balance.duplicates:,} "
        f"+ dead {balance.dead:,} + in flight {balance.in_flight:,}"
    )
    if before is not NOTHING:
        now = since(before, evidence)
        console.print(
            f"of which on this start {now.accepted:,} = stored {now.stored:,} + duplicates {now.duplicates:,} + dead {now.dead:,}"
        )


def _show_promise(console: Console, promise: Promise) -> None:
    share = percent_down(Fraction(promise.good, promise.total)) if promise.total else "-"
    console.print(
        f"\n[bold]{NAME}[/], an SLO over these events, promises {promise.target:.0%}: of\n"
        f"{promise.total:,} flights of 30 days {share} % left less than {LATE_MIN} minutes late."
    )


def _keep_serving(console: Console, platform: Platform, keys: Mapping[str, str]) -> None:
    largest = "ua"
    console.print(
        f"\nServing on [bold]{platform.base_url}[/] until Ctrl-C. The description of every request: {platform.base_url}/docs\n"
        f"The pages that people live in, for whoever has the operator's token: {platform.base_url}/ui/\n"
        f"Operator's token: {platform.instance.admin_token}\n"
        f"Key of {AIRLINES[largest]}: {keys[largest]}\n\n"
        f"  curl -H 'Authorization: Bearer {keys[largest]}' '{platform.base_url}/accounts/{largest}/summary?window=7d'\n"
    )
    platform.supervisor.run()
    console.print("Stopping.")
