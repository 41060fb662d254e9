"""Events as a shop would send them, about 250 bytes each, with ids nobody used before. Pure: the same seed, the same events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from datetime import datetime

TYPES = ("order.placed", "order.paid", "order.shipped", "parcel.scanned", "page.viewed", "search.made", "refund.asked")
CITIES = ("Berlin", "Lagos", "Lima", "Osaka", "Quito", "Tromsø", "Xi'an", "Zürich")


def sample_events(random: random.Random, count: int, *, at: datetime) -> list[dict[str, Any]]:
    """Events of the moment `at`, as `POST /events` takes them."""
    timestamp = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
    return [
        {
            "event_id": f"{random.getrandbits(128):032x}",
            "type": random.choice(TYPES),
            "timestamp": timestamp,
            "payload": {
                "order": random.randrange(10**9),
                "city": random.choice(CITIES),
                "amount": random.randrange(100, 100_000) / 100,
                "items": random.randrange(1, 20),
                "express": random.random() < 0.2,  # noqa: PLR2004 - one parcel in five.
                "note": f"{random.getrandbits(96):024x}",
            },
        }
        for _ in range(count)
    ]


def batch_body(events: Sequence[dict[str, Any]]) -> bytes:
    """The body of one request."""
    return json.dumps({"events": events}, separators=(",", ":"), ensure_ascii=False).encode()
