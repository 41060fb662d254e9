"""The door as every test here uses it: the account acme, at one moment of one day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from app.core.problems import Problem
from ingestion.events.decode import decode_batch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestion.events.model import DecodedBatch

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
RETENTION = timedelta(days=400)


class Door:
    """Takes bodies, given as bytes, as text, or as what JSON is to be made of."""

    def take(
        self, body: Any, content_type: str = "application/json", headers: Mapping[str, str] | None = None
    ) -> DecodedBatch:
        if isinstance(body, str):
            body = body.encode()
        elif not isinstance(body, bytes):
            body = msgspec.json.encode(body)
        return decode_batch(body, content_type, headers or {}, account_id="acme", now=NOW, retention=RETENTION)

    def refuse(
        self, body: Any, content_type: str = "application/json", headers: Mapping[str, str] | None = None
    ) -> Problem:
        with pytest.raises(Problem) as refusal:
            self.take(body, content_type, headers)
        return refusal.value

    def offer(self, body: Any, content_type: str = "application/json") -> DecodedBatch | Problem:
        try:
            return self.take(body, content_type)
        except Problem as problem:
            return problem

    def event(self, **members: Any) -> DecodedBatch:
        """Take a batch of one event with these members."""
        return self.take({"events": [{"event_id": "e", "type": "t"} | members]})


@pytest.fixture(scope="session")
def door() -> Door:
    return Door()
