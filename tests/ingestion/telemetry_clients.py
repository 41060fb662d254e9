"""What clients of `POST /telemetry` send."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

OPERATOR = "the-token-of-the-operator"


def records(times: int = 1, /, **changes: Any) -> list[dict[str, Any]]:
    now = datetime.now(UTC).isoformat()
    record = {"timestamp": now, "route": "/pay", "method": "POST", "status": 200, "duration_ms": 12.5}
    return [record | changes for _ in range(times)]


def post(client: FlaskClient, key: str, batch: Any = None, service: str = "checkout", **headers: str) -> TestResponse:
    content = batch if isinstance(batch, bytes) else json.dumps({"service": service, "requests": batch or records()})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(
        "/telemetry",
        data=content,
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"} | named,
    )
