"""`slipstream demo`: the main job on this machine, with a worker killed in its middle, and the proof that nothing is lost."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.cli.chaos.evidence_store import events_in_queue, read_evidence
from app.cli.demo import limits
from app.cli.demo.data import claim, clear
from app.cli.demo.flights import AIRLINES, flights_until
from app.cli.demo.incident import play, settings_of
from app.cli.demo.promise import LATE_MIN, NAME, apply_promise, read_promise
from app.cli.demo.promises import promises_table, read_promises
from app.cli.demo.receiver import Receiver
from app.cli.demo.senders import Senders
from app.cli.demo.verdict import balance_of, broken_claims
from app.client import Link
from app.core.logs import configure_logging
from app.core.valkey import Valkey
from app.platform import Platform, PlatformOptions, Role
from reporting.slo.presentation import percent_down

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from app.cli.chaos.checker import Evidence
    from app.cli.demo.flights import Flights
    from app.cli.demo.promise import Promise

BATCH = 50
LARGEST = 3
WINDOW = "30d"
DRAIN_WITHIN_S = 60
POLL_S = 0.05


@click.command("demo")
@click.option("--once", is_flag=True, help="End by itself, with exit status 0 once everything has been verified.")
@click.option("--data", type=click.Path(path_type=Path), default=Path(".slipstream/demo"), show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port of the API; 0 is any free one.")
def command(*, once: bool, data: Path, port: int) -> None:
    """Send a month of real flights through the whole platform, kill a worker, and compare every id."""
    # The demo tells its story itself; what the supervisor notes of each step is in the logs of the data directory.
    configure_logging(level="error", style="console")
    console = Console(highlight=False, soft_wrap=True)
    claim(data, on_earlier=lambda: console.print(f"Removing the data of an earlier demo in {data}."))
    flights = flights_until(datetime.now(UTC))
    console.print(
        f"[bold]{flights.total:,} flights[/] that left New York in January 2013, of {len(AIRLINES)} airlines,\n"
        f"each with its own key. Moved by {flights.moved_by.days:,} days, so that their month ends now."
    )
    markers = data / "faults"
    markers.mkdir()
    with Receiver() as receiver, _platform(data, port, receiver, markers) as platform:
        console.print(f"The API, two workers, PostgreSQL and Valkey are running, on\n  {platform.instance.data_dir}")
        apply_promise(platform)
        tiers = {limits.OVER_ITS_TIER: limits.OVER_TIER}
        keys = {airline: platform.create_account(airline, tier=tiers.get(airline, "standard")) for airline in AIRLINES}
        console.print(
            f"{AIRLINES[limits.OVER_ITS_TIER]} sends far more than its tier ({limits.OVER_TIER}) lets in.\n"
            f"{AIRLINES[limits.BROKEN]} sends rubbish until its circuit opens, for {limits.OPEN_S} s (shipped: 30)."
        )
        senders = _send(console, platform, keys, flights)
        _drain(console, platform)
        evidence = read_evidence(platform.instance.database_url, platform.instance.redis_url)
        sent = {airline: {str(event["event_id"]) for event in events} for airline, events in flights.events.items()}
        broken = broken_claims(sent, evidence)
        if senders.refused:
            broken.append(f"{senders.refused} batches were refused")
        told = senders.told
        broken += limits.broken_promises(told)
        console.print("\n[bold]Limits[/]: how often each client got which answer")
        console.print(limits.limits_table(told))
        _show_summaries(console, platform, keys, flights)
        _show_balance(console, evidence)
        promise = read_promise(platform, flights)
        broken += promise.broken
        _show_promise(console, promise)
        console.print("\n[bold]An incident[/]: a minute of the SLOs takes a second here")
        broken += play(platform.base_url, keys, receiver, markers, say=console.print).broken
        console.print("\n[bold]Promises[/], over 30 days, after the incident")
        console.print(promises_table(read_promises(platform)), end="\n\n")
        if broken:
            console.print("[bold red]Not as promised:[/]")
            for sentence in broken:
                console.print(f"  ✗ {sentence}")
            sys.exit(1)
        console.print(f"[bold green]✓[/] Every one of {flights.total:,} ids that were sent is stored, and stored once.")
        if not once:
            _keep_serving(console, platform, keys)
    if once:
        clear(data)


def _platform(data: Path, port: int, receiver: Receiver, markers: Path) -> Platform:
    settings = {**limits.SETTINGS, **settings_of(receiver, markers)}
    return Platform(data, PlatformOptions(workers=2, port=port, settings=settings)).start()


def _send(console: Console, platform: Platform, keys: Mapping[str, str], flights: Flights) -> Senders:
    """Send everything; when half of it has been accepted, kill a worker."""
    spool = platform.instance.data_dir / "spool"
    senders = Senders(platform.base_url, keys, flights.events, spool=spool, batch=BATCH)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    killed: int | None = None
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("accepted", total=flights.total)
        senders.start()
        while senders.running:
            progress.update(bar, completed=senders.accepted)
            if killed is None and senders.accepted >= flights.total // 2:
                worker = platform.processes(Role.WORKER)[0]
                killed = platform.kill(Role.WORKER)
                progress.console.print(f"Killed a worker in the middle (SIGKILL to process {killed}).")
            time.sleep(POLL_S)
        progress.update(bar, completed=senders.accepted)
    if killed is not None:
        platform.wait_replaced(worker, killed)
        console.print(f"Another one runs in its place (process {worker.pid}).")
    return senders


def _drain(console: Console, platform: Platform) -> None:
    """Wait until nothing is in flight: what the killed worker had in hand is taken over by another."""
    valkey = Valkey(platform.instance.redis_url)
    deadline = time.monotonic() + DRAIN_WITHIN_S
    console.print("Waiting until another worker has taken over what the killed one held …")
    while (waiting := events_in_queue(valkey)) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    if waiting:
        console.print(f"[bold red]{waiting:,} events are still in flight after {DRAIN_WITHIN_S} s.[/]")
        sys.exit(1)


def _show_summaries(console: Console, platform: Platform, keys: Mapping[str, str], flights: Flights) -> None:
    rows = []
    largest = sorted(flights.events, key=lambda airline: len(flights.events[airline]), reverse=True)[:LARGEST]
    for airline in largest:
        with Link(platform.base_url, key=keys[airline]) as link:
            summary: Any = link.call("GET", f"/accounts/{airline}/summary?window={WINDOW}", expect=200)
        by_type = summary["by_type"]
        cells = (
            AIRLINES[airline],
            f"{summary['total']:,}",
            f"{by_type.get('flight.departed', 0):,}",
            f"{by_type.get('flight.cancelled', 0):,}",
            _short(summary["first_event_at"]),
            _short(summary["last_event_at"]),
        )
        rows.append(cells)
    console.print(f"\n[bold]Summaries[/]: the three largest airlines, last {WINDOW} by the flights' own times (UTC)")
    console.print(summaries_table(rows), end="\n\n")


def summaries_table(rows: Iterable[tuple[str, ...]]) -> Table:
    """Return a table that fits into 80 columns with nothing cut."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("airline", "events", "departed", "cancelled", "first", "last"):
        table.add_column(name, justify="right" if name in {"events", "departed", "cancelled"} else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _short(instant: str | None) -> str:
    """Return `23 Oct 10:17` for an instant in RFC 3339."""
    return "-" if instant is None else f"{datetime.fromisoformat(instant):%d %b %H:%M}"


def _show_balance(console: Console, evidence: Evidence) -> None:
    balance = balance_of(evidence)
    console.print(
        f"[bold]accepted {balance.accepted:,}[/] = stored {balance.stored:,} + duplicates {balance.duplicates:,} "
        f"+ dead {balance.dead:,} + in flight {balance.in_flight:,}"
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
        f"Operator's token: {platform.instance.admin_token}\n"
        f"Key of {AIRLINES[largest]}: {keys[largest]}\n\n"
        f"  curl -H 'Authorization: Bearer {keys[largest]}' '{platform.base_url}/accounts/{largest}/summary?window=7d'\n"
    )
    platform.supervisor.run()
    console.print("Stopping.")
