"""A promise that is broken and kept again while faults strike: its alert must be told once, and its end once.

An account sends events of which all are bad, until somebody was told; from then on all are good, and some minutes after the
alert's end all are bad again. The one who is told is a webhook's receiver in this process.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any, Self

from app.cli.chaos.burns import ENDED_S, Burns
from app.cli.chaos.courier import Batch, Courier
from app.cli.chaos.scene import insist
from app.cli.sample_events import sample_events
from app.client import UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.cli.chaos.burns import Told
    from app.cli.chaos.load import Account
    from app.cli.chaos.receiver import Receiver
    from app.platform import Platform

ACCOUNT = "alarmed"
NAME = "chaos"
GOOD, BAD = "chaos.good", "chaos.bad"
BAD_EVENTS, GOOD_EVENTS = 5, 1
"""A batch; few good ones, so that half of the alert's longer window is bad some 20 s after they begin, also the next time."""
PAUSE_S = 0.5
OK = 200
FIRING, RESOLVED = "incident.firing", "incident.resolved"


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
        self._finishing = threading.Event()
        self._burns = Burns()

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
                with self._sending:
                    self._send(f"alarm-{number}")
                self._stopping.wait(PAUSE_S)

    def _send(self, number: str) -> None:
        firing, resolved = self._receiver.times(FIRING), self._receiver.times(RESOLVED)
        bad = self._burns.wants_bad(time.monotonic(), firing, resolved, again=not self._finishing.is_set())
        events = sample_events(self._random, BAD_EVENTS if bad else GOOD_EVENTS, at=datetime.now(UTC))
        for event in events:
            event["type"] = BAD if bad else GOOD
        if self._courier.send(Batch(number, self._account, events)) and bad:
            self._burns.note_bad(time.monotonic())

    def finish(self) -> list[Told]:
        """Burn no more, wait until the last alert is over, and return what was told of each."""
        self._finishing.set()
        with self._sending:  # Whatever is sent after this is good, unless nobody was told yet.
            deadline = time.monotonic() + ENDED_S
        while not self._burns.are_over(self._receiver.times(RESOLVED)) and time.monotonic() < deadline:
            time.sleep(PAUSE_S)
        self._stopping.set()
        self.join()
        return self._burns.told(self._receiver.times(FIRING), self._receiver.times(RESOLVED))


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
