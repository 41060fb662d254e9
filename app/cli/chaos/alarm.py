"""A promise that is broken and kept again while faults strike: its alert must be told once, and its end once.

An account sends events of which all are bad, until somebody was told; from then on all are good. The one who is told is a
webhook's receiver in this process.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any, Self

from app.cli.chaos.checker import Finding
from app.cli.chaos.courier import Batch, Courier
from app.cli.chaos.scene import insist
from app.cli.sample_events import sample_events
from app.client import UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.cli.chaos.load import Account
    from app.cli.chaos.receiver import Receiver
    from app.platform import Platform

ACCOUNT = "alarmed"
NAME = "chaos"
GOOD, BAD = "chaos.good", "chaos.bad"
EVENTS = 5
PAUSE_S = 0.5
TOLD_S = 120.0
"""The promise: somebody is told within this time of the first bad event."""
FAULTS_S = 60.0
"""What a fault may add that keeps PostgreSQL away just then: the longest of them, and the recovery."""
RESOLVED_S = 420.0
OK = 200
FIRING, RESOLVED = "incident.firing", "incident.resolved"


@dataclass(frozen=True, slots=True)
class Told:
    """Seconds from the first bad event to the alert, and from the last one to its end; None is never. And how often of each."""

    fired_after_s: float | None
    resolved_after_s: float | None
    firing: int
    resolved: int

    @property
    def findings(self) -> list[Finding]:
        found = []
        if self.firing != 1:
            found.append(Finding("an alert is told once", 1, (f"{self.firing} times",)))
        elif self.fired_after_s is None or self.fired_after_s > TOLD_S + FAULTS_S:
            found.append(Finding(f"told later than {TOLD_S:g} s", 1, (f"{self.fired_after_s} s",)))
        if self.resolved != 1:
            found.append(Finding("the end of an alert is told once", 1, (f"{self.resolved} times",)))
        return found


class Alarm(threading.Thread):
    """`with Alarm(…) as alarm: …; alarm.finish()`."""

    def __init__(self, platform: Platform, account: Account, receiver: Receiver, directory: Path, seed: str) -> None:
        super().__init__(name="alarm", daemon=True)
        directory.mkdir(parents=True, exist_ok=True)
        self._platform = platform
        self._account = account
        self._receiver = receiver
        self._courier = Courier("alarm-0", platform.base_url, directory=directory)
        self._random = Random(f"{seed} alarm")  # noqa: S311 - a run must be repeatable.
        self._sending = threading.Lock()
        self._stopping = threading.Event()
        self._burns_since: float | None = None
        self._burns_until: float | None = None

    def __enter__(self) -> Self:
        insist(self._apply)
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopping.set()
        self._courier.abandon()
        self.join()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Send nothing meanwhile."""
        with self._sending:
            yield

    def _apply(self) -> None:
        body = "\n---\n".join(json.dumps(document) for document in definition()).encode()
        with self._platform.admin() as admin:
            answer = admin.request("PUT", "/slos", body, {"Content-Type": "application/yaml"})
        if answer.status != OK:
            raise UnexpectedAnswerError(answer, "PUT /slos")

    def run(self) -> None:
        number = 0
        with self._courier:
            while not self._stopping.is_set():
                number += 1
                bad = not self._receiver.times(FIRING)
                if not bad and self._burns_until is None:
                    self._burns_until = time.monotonic()
                events = sample_events(self._random, EVENTS, at=datetime.now(UTC))
                for event in events:
                    event["type"] = BAD if bad else GOOD
                with self._sending:
                    self._courier.send(Batch(f"alarm-{number}", self._account, events))
                if bad and self._burns_since is None:
                    self._burns_since = time.monotonic()
                self._stopping.wait(PAUSE_S)

    def finish(self) -> Told:
        """Wait until the alert is over."""
        deadline = time.monotonic() + RESOLVED_S
        while not self._receiver.times(RESOLVED) and time.monotonic() < deadline:
            time.sleep(PAUSE_S)
        self._stopping.set()
        self.join()
        firing, resolved = self._receiver.times(FIRING), self._receiver.times(RESOLVED)
        return Told(_after(self._burns_since, firing), _after(self._burns_until, resolved), len(firing), len(resolved))


def _after(since: float | None, times: list[float]) -> float | None:
    return times[0] - since if times and since is not None else None


def definition() -> list[dict[str, Any]]:
    """A promise of 90 %, and an alert when within two minutes, and still within the last, half of all is bad."""
    target = {"kind": "AlertNotificationTarget", "metadata": {"name": NAME}, "spec": {"target": NAME}}
    condition = {"kind": "burnrate", "op": "gt", "threshold": 5, "lookbackWindow": "2m", "alertAfter": "0m"}
    policy = {
        "kind": "AlertPolicy",
        "metadata": {"name": NAME, "annotations": {"slipstream/window-pairs": "5x 2m/1m"}},
        "spec": {
            "alertWhenBreaching": True,
            "alertWhenResolved": True,
            "conditions": [
                {
                    "kind": "AlertCondition",
                    "metadata": {"name": NAME},
                    "spec": {"severity": "page", "condition": condition},
                }
            ],
            "notificationTargets": [target],
        },
    }
    ratio = {
        "counter": True,
        "good": _metric(GOOD),
        "total": _metric([GOOD, BAD]),
    }
    slo = {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": NAME},
        "spec": {
            "service": NAME,
            "indicator": {"metadata": {"name": NAME}, "spec": {"ratioMetric": ratio}},
            "timeWindow": [{"duration": "30d", "isRolling": True}],
            "budgetingMethod": "Occurrences",
            "objectives": [{"displayName": "kept", "target": 0.9}],
            "alertPolicies": [policy],
        },
    }
    return [{"apiVersion": "openslo/v1", "kind": "Service", "metadata": {"name": NAME}, "spec": {}}, slo]


def _metric(types: str | list[str]) -> dict[str, Any]:
    return {"metricSource": {"type": "slipstream", "spec": {"source": "events", "filter": {"type": types}}}}
