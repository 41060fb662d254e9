"""The demo's events: real flights, moved in time so that their month ends now."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
FLIGHTS = EXAMPLES / "flights_2013_01.ndjson.gz"

AIRLINES = {
    "9e": "Endeavor Air",
    "aa": "American Airlines",
    "as": "Alaska Airlines",
    "b6": "JetBlue Airways",
    "dl": "Delta Air Lines",
    "ev": "ExpressJet Airlines",
    "f9": "Frontier Airlines",
    "fl": "AirTran Airways",
    "ha": "Hawaiian Airlines",
    "mq": "Envoy Air",
    "oo": "SkyWest Airlines",
    "ua": "United Air Lines",
    "us": "US Airways",
    "vx": "Virgin America",
    "wn": "Southwest Airlines",
    "yv": "Mesa Airlines",
}


@dataclass(frozen=True, slots=True)
class Flights:
    """Events by airline, and by how much their times were moved."""

    events: Mapping[str, list[dict[str, Any]]]
    moved_by: timedelta

    @property
    def total(self) -> int:
        return sum(len(events) for events in self.events.values())


def flights_until(now: datetime) -> Flights:
    """Read all flights and move them so that the last one left in the minute that ends at `now`."""
    with gzip.open(FLIGHTS, "rt", encoding="utf-8") as lines:
        events = [json.loads(line) for line in lines]
    times = [datetime.fromisoformat(event["timestamp"]) for event in events]
    moved_by = now.astimezone(UTC).replace(second=0, microsecond=0) - max(times)
    by_airline: dict[str, list[dict[str, Any]]] = {airline: [] for airline in AIRLINES}
    for event, time in zip(events, times, strict=True):
        moved = (time + moved_by).isoformat().replace("+00:00", "Z")
        by_airline[event["account_id"]].append({**event, "timestamp": moved})
    return Flights(by_airline, moved_by)
