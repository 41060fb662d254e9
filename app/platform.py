"""The whole platform as real processes on embedded engines: what `slipstream up`, the demo, the bench, chaos and tests run.

with Platform(data_dir, options).start() as platform:
    key = platform.create_account("acme", tier="standard")
    …requests to platform.base_url…
    platform.kill(Role.WORKER)      # comes back by itself
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from app.client import CutError, Link
from app.core.migrate import migrate
from app.embedded.instance import Instance
from app.embedded.tuning import Profile
from app.ports import HELD, Endpoint
from app.proc import process_tree
from app.process import ProcessFailedError, ProcessSpec
from app.slo_composition import apply_shipped
from app.supervisor import LIVED_S, Supervisor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from app.process import Process

PROGRAM = (sys.executable, "-m", "app.cli.main")
PREFIX = "SLIPSTREAM_"
OK = 200
POLL_S = 0.02


class Role(StrEnum):
    """The kinds of processes."""

    API = "api"
    WORKER = "worker"
    VALKEY = "valkey"
    POSTGRESQL = "postgresql"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformOptions:
    """workers: processes. port: of the API, 0 for any free one. settings: more variables of the API's and the workers' environment.

    lived_s: a process that dies younger than this is restarted later and later (`app.supervisor`).
    """

    workers: int = 2
    host: str = "127.0.0.1"
    port: int = 0
    profile: Profile = Profile.SERVE
    settings: Mapping[str, str] = field(default_factory=dict)
    lived_s: float = LIVED_S


class Platform:
    """A context manager; on leaving it everything stops in order: the API, the workers, the engines."""

    def __init__(self, data_dir: Path, options: PlatformOptions) -> None:
        self.instance = Instance(data_dir, profile=options.profile)
        self._options = options
        self._stack = ExitStack()
        self._supervisor: Supervisor | None = None
        self._endpoint = Endpoint.of(options.host, options.port)
        self._processes: dict[Role, list[Process]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """Where this machine reaches the API."""
        return self._endpoint.local_url

    @property
    def public_url(self) -> str:
        """Where users reach it: as set, else by the address on which it listens."""
        return self._options.settings.get("SLIPSTREAM_BASE_URL") or self._endpoint.url

    @property
    def supervisor(self) -> Supervisor:
        if self._supervisor is None:
            raise ProcessFailedError("The platform is not running.")
        return self._supervisor

    def start(self) -> Self:
        """Start the engines, migrate, start the workers and the API; returns when all of them are ready."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self) -> None:
        self._endpoint = self._reserve(self._endpoint)
        instance = self._stack.enter_context(self.instance.start())
        migrate(instance.database_url)
        apply_shipped(instance.database_url, datetime.now(UTC))
        supervisor = self._stack.enter_context(Supervisor(lived_s=self._options.lived_s))
        self._supervisor = supervisor
        self._processes = {Role.VALKEY: [instance.valkey], Role.POSTGRESQL: [instance.postgres]}
        for engine in (instance.valkey, instance.postgres):
            supervisor.watch(engine)
        instance.publish({"SLIPSTREAM_BASE_URL": self.public_url})
        workers = [self._worker(number) for number in range(1, self._options.workers + 1)]
        self._processes[Role.WORKER] = supervisor.start(*workers) if workers else []
        self._processes[Role.API] = supervisor.start(self._api())

    def stop(self) -> None:
        self._stack.close()
        self._supervisor = None
        self._processes = {}

    def processes(self, role: Role) -> list[Process]:
        """The processes of a role; an API process has children that do the work."""
        return self._processes.get(role, [])

    def pids(self, role: Role) -> list[int]:
        """Process ids of a role, children included, parents first."""
        return [pid for process in self.processes(role) for pid in process_tree(process.pid or 0)]

    def admin(self) -> Link:
        """A connection with the operator's token."""
        return Link(self.base_url, key=self.instance.admin_token)

    def create_account(self, account_id: str, *, tier: str = "standard", **more: Any) -> str:
        """Create an account; returns a key that may do everything a tenant may. `more` is what else `POST /accounts` takes."""
        account = {"account_id": account_id, "name": account_id, "tier": tier, **more}
        with self.admin() as admin:
            admin.call("POST", "/accounts", account, expect=201)
        return self.create_key(account_id)

    def create_key(self, account_id: str) -> str:
        """Return a new key of an account, which may do everything a tenant may."""
        scopes = ["events:write", "summary:read", "telemetry:write"]
        with self.admin() as admin:
            return str(admin.call("POST", "/keys", {"account_id": account_id, "scopes": scopes}, expect=201)["key"])

    def kill(self, role: Role, number: int = 0) -> int:
        """SIGKILL one process of a role; returns its process id. The supervisor starts it again."""
        process = self.processes(role)[number]
        pid = process.pid
        if pid is None or not process.running:
            raise ProcessFailedError(f"{process.name} does not run.")
        os.kill(pid, signal.SIGKILL)  # Not by `Process.kill`, which waits until nothing runs: the supervisor is quick.
        return pid

    def wait_replaced(self, process: Process, pid: int, *, timeout_s: float = 60.0) -> None:
        """Wait until another process than `pid` runs in its place and can serve; raises ProcessFailedError."""
        deadline = time.monotonic() + timeout_s
        while process.pid == pid or not process.running or not process.spec.ready():
            if time.monotonic() > deadline:
                raise ProcessFailedError(f"{process.name} did not come back in {timeout_s:g} s.")
            time.sleep(POLL_S)

    def _reserve(self, endpoint: Endpoint) -> Endpoint:
        """Hold a port while this platform runs, so that nobody takes it while who listens there restarts."""
        holder = self._stack.enter_context(endpoint.hold())
        return replace(endpoint, port=int(holder.getsockname()[1]))

    def _api(self) -> ProcessSpec:
        endpoint = self._endpoint
        settings = {"SLIPSTREAM_HOST": endpoint.host, "SLIPSTREAM_PORT": str(endpoint.port), HELD: "1"}
        return self._spec("api", "serve", settings, endpoint)

    def _worker(self, number: int) -> ProcessSpec:
        endpoint = self._reserve(Endpoint.of(self._options.settings.get("SLIPSTREAM_WORKER_HOST", "127.0.0.1"), 0))
        settings = {"SLIPSTREAM_WORKER_HOST": endpoint.host, "SLIPSTREAM_WORKER_PORT": str(endpoint.port)}
        return self._spec(f"worker-{number}", "worker", settings, endpoint)

    def _spec(self, name: str, verb: str, settings: Mapping[str, str], endpoint: Endpoint) -> ProcessSpec:
        others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        ours = {
            "SLIPSTREAM_BASE_URL": self.public_url,
            "SLIPSTREAM_RUN_DIRECTORY": str(self.instance.data_dir / "telemetry"),
            "SLIPSTREAM_STATUS_DIRECTORY": str(self.instance.data_dir / "status"),
            **self.instance.environment,
        }
        return ProcessSpec(
            name=name,
            argv=(*PROGRAM, verb),
            env={**others, **ours, **self._options.settings, **settings},
            ready=lambda: _is_ready(endpoint.local_url),
            log=self.instance.data_dir / f"{name}.log",
        )


def _is_ready(base_url: str) -> bool:
    try:
        with Link(base_url, timeout_s=5.0) as link:
            return link.get("/readyz").status == OK
    except CutError:
        return False
