"""The demo's promise over the flights themselves: applied before they are sent, and compared with a recount of what was sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.cli.demo.flights import EXAMPLES
from app.client import UnexpectedAnswerError

if TYPE_CHECKING:
    from app.cli.demo.flights import Flights
    from app.platform import Platform

NAME = "on-time-departures"
LATE_MIN = 15
OK = 200


@dataclass(frozen=True, slots=True)
class Promise:
    """The SLO as the platform tells it, and the same two numbers counted from what was sent."""

    target: float
    good: int
    total: int
    budget_left: float
    good_sent: int
    total_sent: int

    @property
    def broken(self) -> list[str]:
        """What is not as it must be, in a sentence; empty when both agree."""
        if (self.good, self.total) == (self.good_sent, self.total_sent):
            return []
        return [
            f"the SLO counts {self.good:,} of {self.total:,} flights as on time, and of those sent it are {self.good_sent:,} of {self.total_sent:,}"
        ]


def apply_promise(platform: Platform) -> None:
    """Apply the SLO; raises `UnexpectedAnswerError` when it is refused."""
    body = (EXAMPLES / f"{NAME}.yaml").read_bytes()
    with platform.admin() as admin:
        answer = admin.request("PUT", "/slos", body, {"Content-Type": "application/yaml"})
    if answer.status != OK:
        raise UnexpectedAnswerError(answer, "PUT /slos")


def read_promise(platform: Platform, flights: Flights) -> Promise:
    """Return how the SLO stands, and recount the flights of its window."""
    with platform.admin() as admin:
        found = admin.call("GET", f"/slos/{NAME}")
    start, end = (datetime.fromisoformat(found[name]) for name in ("period_start", "period_end"))
    inside = [
        event
        for events in flights.events.values()
        for event in events
        if start <= datetime.fromisoformat(event["timestamp"]) < end
    ]
    return Promise(
        target=found["target"],
        good=found["good"],
        total=found["total"],
        budget_left=found["budget"]["remaining_ratio"] if found["budget"] else 0.0,
        good_sent=sum(_is_on_time(event["type"], event["payload"].get("dep_delay")) for event in inside),
        total_sent=len(inside),
    )


def _is_on_time(kind: str, delay: float | None) -> bool:
    return kind == "flight.departed" and delay is not None and delay < LATE_MIN
