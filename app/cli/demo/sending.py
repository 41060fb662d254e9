"""The demo's main part: everything is sent, a worker is killed in the middle, and another stores what it held."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.cli.chaos.evidence_store import events_in_queue
from app.cli.demo.senders import Senders
from app.core.valkey import Valkey
from app.platform import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from app.cli.demo.flights import Flights
    from app.platform import Platform

BATCH = 50
DRAIN_WITHIN_S = 60
POLL_S = 0.05


def send(console: Console, platform: Platform, keys: Mapping[str, str], flights: Flights) -> Senders:
    """Send everything; when half of it has been accepted, kill a worker."""
    spool = platform.instance.data_dir / "spool"
    # What an interrupted demo has not sent is sent with all the rest.
    shutil.rmtree(spool, ignore_errors=True)
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


def drain(console: Console, platform: Platform, why: str) -> None:
    """Wait until nothing is in flight, also of what a killed worker had in hand; ends the demo when that does not come."""
    valkey = Valkey(platform.instance.redis_url)
    deadline = time.monotonic() + DRAIN_WITHIN_S
    console.print(why)
    while (waiting := events_in_queue(valkey)) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    if waiting:
        console.print(f"[bold red]{waiting:,} events are still in flight after {DRAIN_WITHIN_S} s.[/]")
        sys.exit(1)
