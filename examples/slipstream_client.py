"""A small client for Slipstream, on the standard library alone. Copy it into your project; it is yours.

It collects events into batches, writes each batch to a spool directory before it sends it, honours `Retry-After`, and repeats
a batch with the same event ids until it knows what became of it. Repeating is safe: an event is stored once for its id.

    client = Client("https://events.example.org", "slip.acme.…", spool="spool")
    client.add({"event_id": "order-42", "type": "order.placed", "payload": {"total": 42}})
    client.flush()

What the platform refuses for good (a bad event, a key without the right) is moved to `spool/refused` together with the answer, so that
one bad batch does not stop the others.

From a shell: `python slipstream_client.py URL KEY < events.ndjson`, with one event a line.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import random
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_EVENTS = 1_000
MAX_BYTES = 4_000_000
"""Below the platform's 5 MB, which count after decompression."""
WORTH_COMPRESSING = 1_400
"""Bytes: what fits into one packet gains nothing."""
TRY_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504}
LONGEST_WAIT_S = 60.0


class Client:
    """Sends events of one account. Not for several threads at once: give each its own client and spool."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        spool: str | Path = "spool",
        timeout_s: float = 10.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = urlsplit(url)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._spool = Path(spool)
        self._refused = self._spool / "refused"
        self._refused.mkdir(parents=True, exist_ok=True)
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._events: list[str] = []
        self._bytes = 0
        self._connection: http.client.HTTPConnection | None = None
        self.accepted = 0
        self.refused = 0
        self.answers: dict[int, int] = {}
        """How often each HTTP status came; 0 stands for no answer at all."""

    def add(self, event: dict[str, Any]) -> None:
        """Collect an event; a full batch goes to the spool. An event without an id gets one here, so that a repeat keeps it."""
        line = json.dumps({"event_id": str(uuid.uuid4()), **event}, ensure_ascii=False)
        size = len(line.encode()) + 1
        if self._events and (len(self._events) >= MAX_EVENTS or self._bytes + size > MAX_BYTES):
            self.spool()
        self._events.append(line)
        self._bytes += size

    def spool(self) -> None:
        """Write what was collected to disk as one batch. From here on it survives a crash of this process."""
        if not self._events:
            return
        # Names sort in the order in which batches were written.
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.json"
        draft = self._spool / f".{name}"
        with draft.open("w", encoding="utf-8") as file:
            file.write('{"events":[' + ",".join(self._events) + "]}")
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._spool / name)
        self._events, self._bytes = [], 0

    def flush(self, *, give_up_after_s: float | None = None) -> int:
        """Send everything, oldest first. Returns how many batches are still in the spool when the time is over."""
        self.spool()
        deadline = None if give_up_after_s is None else time.monotonic() + give_up_after_s
        batches = sorted(self._spool.glob("*.json"))
        for position, batch in enumerate(batches):
            attempt = 0
            while not self._settled(batch, attempt):
                attempt += 1
                if deadline is not None and time.monotonic() >= deadline:
                    return len(batches) - position
        return 0

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _settled(self, batch: Path, attempt: int) -> bool:
        """Send a batch once. False, after the wait that is due, when it must be sent again."""
        status, headers, answer = self._post(batch.read_bytes())
        self.answers[status] = self.answers.get(status, 0) + 1
        if status == http.client.ACCEPTED:
            self.accepted += json.loads(answer)["accepted"]
            batch.unlink()
            return True
        if status == 0 or status in TRY_AGAIN:
            self._sleep(_wait_s(headers.get("retry-after"), attempt))
            return False
        self.refused += 1
        (self._refused / f"{batch.name}.answer").write_bytes(answer)
        batch.rename(self._refused / batch.name)
        return True

    def _post(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        headers = dict(self._headers)
        if len(body) > WORTH_COMPRESSING:
            body = gzip.compress(body, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        for fresh in (False, True):
            if fresh or self._connection is None:
                self.close()
                self._connection = self._connect()
            try:
                self._connection.request("POST", self._address.path.rstrip("/") + "/events", body, headers)
                response = self._connection.getresponse()
                return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
            except (OSError, http.client.HTTPException):
                # A connection that was kept alive may have been closed meanwhile: that is worth one more try at once.
                self.close()
        return 0, {}, b""

    def _connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._address.scheme == "https" else http.client.HTTPConnection
        return kind(self._address.hostname or "", self._address.port, timeout=self._timeout_s)


def _wait_s(retry_after: str | None, attempt: int) -> float:
    """Seconds to wait: what the platform said, or twice as long each time; never exactly, so that clients do not return as one."""
    if retry_after is not None and retry_after.isdigit():
        return float(retry_after) + random.uniform(0.0, 1.0)  # noqa: S311 - spreads load, guards nothing
    return random.uniform(0.1, min(LONGEST_WAIT_S, 0.5 * 2.0**attempt))  # noqa: S311


def main() -> int:
    if len(sys.argv) != 3:  # noqa: PLR2004
        sys.stderr.write("usage: slipstream_client.py URL KEY < events.ndjson\n")
        return 2
    client = Client(sys.argv[1], sys.argv[2], spool=os.environ.get("SLIPSTREAM_SPOOL", "spool"))
    for line in sys.stdin:
        if line.strip():
            client.add(json.loads(line))
    client.flush()
    client.close()
    sys.stderr.write(f"{client.accepted} events accepted, {client.refused} batches refused\n")
    return 1 if client.refused else 0


if __name__ == "__main__":
    sys.exit(main())
