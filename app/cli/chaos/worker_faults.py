"""Faults of workers beside their sudden death: an event that cannot be stored, a report that is cut short."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

from app.cli.chaos.courier import Batch, Courier
from app.cli.chaos.faults import armed
from app.cli.chaos.nuisance_store import POISON, dead_of, refuse_poison
from app.cli.chaos.scene import StrikeError, insist, wait_for
from app.cli.sample_events import sample_events
from app.platform import Role

if TYPE_CHECKING:
    from pathlib import Path

    from app.cli.chaos.scene import Scene
    from app.client import Link

REPORT_FAILPOINTS = ("reports.claimed", "reports.compiled", "reports.rendered", "reports.finishing")
BATCHES = 10
EVENTS = 20
POISONED = 3
MADE_S = 120.0
"""Within this time a report must be made, on a machine that has much else to do."""
NO_SECOND_S = 5.0
"""A second mail would come within this time: what waits in the outbox goes out together."""
ENDED = ("ready", "failed")


@dataclass(frozen=True, slots=True)
class PoisonEvents:
    """Events that PostgreSQL refuses, among others: they are dead letters, their neighbours are stored."""

    about: str = "events that PostgreSQL refuses (poison), among others"

    def strike(self, scene: Scene) -> int:
        database_url = scene.platform.instance.database_url
        refuse_poison(database_url)
        with Courier(f"{scene.name}-poison", scene.platform.base_url, directory=scene.load.directory) as courier:
            for number in range(BATCHES):
                events = sample_events(scene.random, EVENTS, at=datetime.now(UTC))
                for event in scene.random.sample(events, POISONED):
                    event["type"] = POISON
                courier.send(Batch(f"{scene.name}-poison-{number}", scene.random.choice(scene.accounts), events))
        batch_ids = [one.batch_id for one in courier.acknowledged]
        wait_for(lambda: len(dead_of(database_url, batch_ids)) == BATCHES, "Poisoned batches have no outcome.")
        if set(dead_of(database_url, batch_ids)) != {POISONED}:
            raise StrikeError(f"Dead letters a batch: {dead_of(database_url, batch_ids)} instead of {POISONED}")
        return 0


@dataclass(frozen=True, slots=True)
class KilledReport:
    """SIGKILL of the worker that makes a report, at a named line: it is made all the same, and mailed to its reader once."""

    about: str = "SIGKILL of a worker that makes a report"

    def strike(self, scene: Scene) -> int:
        marker = scene.markers / scene.random.choice(REPORT_FAILPOINTS)
        workers = {process: process.pid for process in scene.platform.processes(Role.WORKER)}
        before = _pids(marker)
        with scene.platform.admin() as admin:
            with armed(marker, len(before) + 1):
                order = {"kind": "weekly", "again": True}
                ordered = insist(lambda: admin.call("POST", "/reports", order, expect=202))
                path = f"/reports/{ordered['report_id']}"
                reader = _send(scene, admin, path)
                wait_for(lambda: len(_pids(marker)) > len(before), f"Nobody came to {marker.name}.", timeout_s=MADE_S)
            dead = _pids(marker)[len(before) :]
            for process, pid in workers.items():
                if pid in dead:
                    scene.platform.wait_replaced(process, pid)
            wait_for(
                lambda: insist(lambda: admin.call("GET", path))["state"] in ENDED,
                "The report was never made.",
                timeout_s=MADE_S,
            )
            report = insist(lambda: admin.call("GET", path))
            if report["state"] == "failed":
                raise StrikeError(f"The report failed: {report['reason']}")
        _check_mailed_once(scene, reader)
        return len(dead)


def _send(scene: Scene, admin: Link, path: str) -> str:
    """Have a report sent, and return to whom. Each attempt names another reader: the one before may have been heard."""
    readers = (f"{scene.name}-{attempt}@reader.example" for attempt in count(1))

    def send() -> str:
        reader = next(readers)
        admin.call("POST", f"{path}/send", {"to": [reader]}, expect=202)
        return reader

    return insist(send)


def _check_mailed_once(scene: Scene, reader: str) -> None:
    """Raise `StrikeError` unless there is one mail, and no second one follows it."""
    if scene.mailbox is None:
        raise StrikeError("This platform sends no mail.")
    mailbox = scene.mailbox
    wait_for(lambda: bool(mailbox.taken(reader)), "The report was made and never mailed.", timeout_s=MADE_S)
    time.sleep(NO_SECOND_S)
    if len(mailbox.taken(reader)) != 1:
        raise StrikeError(f"The report was mailed {len(mailbox.taken(reader))} times: {mailbox.taken(reader)}")


def _pids(marker: Path) -> list[int]:
    """The processes that a failpoint has killed."""
    return [int(line.split()[-1]) for line in marker.read_text().splitlines()] if marker.exists() else []
