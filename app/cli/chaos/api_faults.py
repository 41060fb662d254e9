"""Faults of the API beside its sudden death: restarts one after another under load, and one of two that hangs."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.chaos.courier import CUT
from app.cli.chaos.in_hand import InHand
from app.cli.chaos.scene import StrikeError, check_noticed, wait_for
from app.client import CutError, Link
from app.freeze import frozen
from app.platform import Role
from app.ports import Endpoint
from app.process import Process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.cli.chaos.scene import Scene

OK = 200
LISTENING = "0A"
"""The state of a socket that listens, in /proc/net/tcp; see proc_net_tcp(5)."""
PROBE_S = 1.0
NOTICED_S = 5.0
"""Within this time a load balancer's probe must see that an API hangs."""
ANSWERED_S = 2.0
ALONE_S = 3.0
ENDING_S = 1.0
"""So long after SIGTERM what an API has in hand is still half of it."""


@dataclass(frozen=True, slots=True)
class RollingRestart:
    """SIGTERM of the API while another one serves at the same port, and back, and then of the other one: service goes on.

    What an API has in hand it answers. Cut is at most what the kernel has accepted for it and it has not: a client has one
    request on its way at a time, so that is one of each client.
    """

    about: str = "rolling restart of the API by SIGTERM"

    def strike(self, scene: Scene) -> int:
        (first,) = scene.platform.processes(Role.API)
        port = int((first.spec.env or {})["SLIPSTREAM_PORT"])
        listeners = _listeners(port)
        with _another(first, port, scene.platform.instance.data_dir) as second:
            wait_for(lambda: _listeners(port) > listeners and second.spec.ready(), "The second API does not serve.")
            both = _listeners(port)
            try:
                _end(scene, first)
            finally:
                first.start()
                wait_for(lambda: _listeners(port) >= both and first.spec.ready(), "The API did not come back.")
            _end(scene, second)
        return 0


def _end(scene: Scene, api: Process) -> None:
    """End one of two APIs by SIGTERM. Raises `StrikeError` when clients notice more than they must."""
    with InHand(scene, api, f"in-hand-of-{api.name}") as in_hand, ThreadPoolExecutor(1) as beside:
        since = time.monotonic()
        stopping = beside.submit(api.stop)
        time.sleep(ENDING_S)
        in_hand.finish()
        stopping.result()
    alone = time.monotonic()
    time.sleep(ALONE_S)
    if scene.load.first_accepted_after(alone) is None:
        raise StrikeError(f"Nobody had a 202 without {api.name}.")
    cut = scene.load.refusals_after(since).count(CUT)
    if cut > len(scene.load.clients):
        raise StrikeError(f"{cut} requests of {len(scene.load.clients)} clients were cut when {api.name} ended.")
    check_noticed(scene.load, since)


@dataclass(frozen=True, slots=True)
class FrozenApi:
    """SIGSTOP of one of two APIs: its probe fails soon, and the other one serves as if nothing were."""

    seconds: float

    @property
    def about(self) -> str:
        return f"SIGSTOP of one of two APIs for {self.seconds:g} s"

    def strike(self, scene: Scene) -> int:
        (first,) = scene.platform.processes(Role.API)
        endpoint = Endpoint.of("127.0.0.1", 0)
        with endpoint.hold() as holder:
            port = int(holder.getsockname()[1])
            url = replace(endpoint, port=port).local_url
            with _another(first, port, scene.platform.instance.data_dir):
                wait_for(lambda: _probe(url), "The second API does not serve.")
                with frozen(first.pid or 0):
                    until = time.monotonic() + self.seconds
                    wait_for(lambda: not _probe(scene.platform.base_url), "Nobody noticed.", timeout_s=NOTICED_S)
                    while time.monotonic() < until:
                        since = time.monotonic()
                        if not _probe(url) or time.monotonic() - since > ANSWERED_S:
                            raise StrikeError("The other API did not serve as before.")
                        time.sleep(0.1)
        return 0


@contextmanager
def _another(first: Process, port: int, data: Path) -> Iterator[Process]:
    """Run another API beside the first, at a port of its own or at the same one."""
    env = {
        **(first.spec.env or {}),
        "SLIPSTREAM_PORT": str(port),
        "SLIPSTREAM_RUN_DIRECTORY": str(data / "telemetry-2"),
    }
    second = Process(replace(first.spec, name="api-2", env=env, log=data / "api-2.log"))
    second.start()
    try:
        yield second
    finally:
        second.stop()


def _probe(base_url: str) -> bool:
    try:
        with Link(base_url, timeout_s=PROBE_S) as link:
            return link.get("/readyz").status == OK
    except CutError:
        return False


def _listeners(port: int) -> int:
    """How many sockets listen at a port of this machine."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    wanted = f":{port:04X}"
    return sum(fields[1].endswith(wanted) and fields[3] == LISTENING for fields in map(str.split, lines))
