"""The demo's incident: summaries fail and are slow for a while, on-call is told, and told again when it is over.

It takes the way of a real one. The API answers late and with 500 because a failpoint in it lets it, its telemetry says so, a
worker evaluates the SLOs, and the message goes through the outbox and the queue to a receiver of the demo's own. Nothing is
written by hand and nothing called; only the clock of telemetry runs faster, because an alert ends when five minutes are clean.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING, Any, Self

from app.cli.listening import LOOPBACK
from app.client import CutError, Link
from app.core.clock import VARIABLE
from app.core.failpoints import allow_hits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from app.cli.demo.receiver import Receiver, Told
    from app.core.clock import Clock

FAILS, IS_SLOW = "summary.fails", "summary.is_slow"
BROKEN = "availability"
SLOW_S = 0.6
"""Past what the shipped SLO allows a summary, 500 ms."""
READERS = 4
PAUSE_S = 0.02
HEALTHY_S = 3.0
WITHIN_S = 90.0
"""For the alert to be told, and again for its end. It takes some ten seconds; a busy machine has its time."""
_ON = 10**9
_SERVER_ERROR = 500


def settings_of(receiver: Receiver, markers: Path, clock: Clock) -> dict[str, str]:
    """Return the variables of a platform on which an incident can be played."""
    for name in (FAILS, IS_SLOW):
        allow_hits(markers / name, 0)
    return {
        VARIABLE: str(clock),
        "SLIPSTREAM_FAILPOINTS": f"{IS_SLOW}=sleep:{SLOW_S}@{markers / IS_SLOW},{FAILS}=fail@{markers / FAILS}",
        "SLIPSTREAM_NOTIFY_PAGE": receiver.url,
        "SLIPSTREAM_WEBHOOK_SECRET": receiver.secret,
        "SLIPSTREAM_OUTGOING_NETWORKS": f"{LOOPBACK}/32",
    }


@dataclass(slots=True)
class Incident:
    """How it went. Times are in real seconds; `failed` of `requests` were answered with 5xx."""

    told: Told | None = None
    resolved: Told | None = None
    to_told_s: float = 0.0
    to_resolved_s: float = 0.0
    requests: int = 0
    failed: int = 0
    broken: list[str] = field(default_factory=list)


class Readers:
    """Threads that read summaries all the time, as dashboards do; a context manager."""

    def __init__(self, base_url: str, keys: Mapping[str, str]) -> None:
        self._base_url = base_url
        self._keys = list(keys.items())
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(number,), daemon=True) for number in range(READERS)]
        self.requests = 0
        self.failed = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _read(self, number: int) -> None:
        links = [(account, Link(self._base_url, key=key)) for account, key in self._keys[number::READERS]]
        for account, link in cycle(links):
            if self._stopping.wait(PAUSE_S):
                break
            try:
                status = link.get(f"/accounts/{account}/summary?window=1h").status
            except CutError:
                continue
            self.requests += 1
            self.failed += status >= _SERVER_ERROR
        for _, link in links:
            link.close()


def play(
    base_url: str, keys: Mapping[str, str], receiver: Receiver, markers: Path, *, say: Callable[[str], Any]
) -> Incident:
    """Break summaries, wait until on-call is told, mend them, and wait until on-call is told of that."""
    incident = Incident()
    with Readers(base_url, keys) as readers:
        time.sleep(HEALTHY_S)
        say("Summaries break now: they are slow, and answered with 500.")
        began = time.monotonic()
        _switch(markers, on=True)
        try:
            incident.told = _wait(receiver, "incident.firing")
        finally:
            _switch(markers, on=False)
        incident.to_told_s = time.monotonic() - began
        incident.requests, incident.failed = readers.requests, readers.failed
        if incident.told is None:
            incident.broken.append(f"nobody was told of the incident within {WITHIN_S:g} s")
            return incident
        say(f"On-call is told after {incident.to_told_s:.0f} s: {_what(incident.told)}.\nSummaries are mended.")
        mended = time.monotonic()
        incident.resolved = _wait(receiver, "incident.resolved")
        incident.to_resolved_s = time.monotonic() - mended
    if incident.resolved is None:
        incident.broken.append(f"nobody was told within {WITHIN_S:g} s that the incident is over")
    else:
        say(f"On-call is told after {incident.to_resolved_s:.0f} s more that it is over.")
    if receiver.unsigned:
        incident.broken.append(f"{receiver.unsigned} messages to on-call were not signed as they must be")
    return incident


def _switch(markers: Path, *, on: bool) -> None:
    for name in (FAILS, IS_SLOW):
        allow_hits(markers / name, _ON if on else 0)


def _wait(receiver: Receiver, kind: str) -> Told | None:
    """Wait until on-call is told something of the SLO that the fault breaks first."""
    until = time.monotonic() + WITHIN_S
    while not (told := [message for message in receiver.told(kind) if BROKEN in _slos(message)]):
        if time.monotonic() > until:
            return None
        time.sleep(0.1)
    return told[0]


def _slos(told: Told) -> set[str]:
    return {alert["slo"] for alert in told.data["alerts"]}


def _what(told: Told) -> str:
    alerts = ", ".join(dict.fromkeys(f"{alert['slo']} ({alert['rule']})" for alert in told.data["alerts"]))
    return alerts or told.kind
