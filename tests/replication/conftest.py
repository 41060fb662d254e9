"""A real streaming replica of this pytest process's PostgreSQL, from the same programs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from app.embedded.engines import ENGINE_ENVIRONMENT, PORT, SUPERUSER
from app.embedded.tuning import Profile, postgres_file, postgres_settings
from app.process import Process, ProcessSpec, leashed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.embedded.instance import Instance


class Standby(Process):
    """Follows a primary by streaming its log, and answers reads."""

    def __init__(self, primary: Instance, directory: Path) -> None:
        self._site = primary.postgres._site
        self._primary = primary
        self._data, self._run = directory / "postgresql", directory / "run"
        for path in (directory, self._run):
            path.mkdir(mode=0o700, exist_ok=True)
            self._give(path)
        config = directory / "postgresql.conf"
        settings = postgres_settings(Profile.TEST, socket_dir=self._run, memory=2**30, disk_free=2**30)
        config.write_text(postgres_file(settings))
        self._give(config)
        super().__init__(
            ProcessSpec(
                name="standby",
                argv=(
                    str(self._site.binaries.postgres),
                    "-D",
                    str(self._data),
                    "-p",
                    str(PORT),
                    f"--config_file={config}",
                ),
                env=ENGINE_ENVIRONMENT,
                ready=self._is_ready,
                stop_signal=signal.SIGINT,
                log=directory / "postgresql.log",
                user=self._site.user,
            )
        )

    def url(self, database: str, *, superuser: bool = False) -> str:
        """A URL of a database on the standby; its roles and passwords are the primary's."""
        primary = urlsplit(self._primary.postgres.url(database, superuser=superuser))
        return f"{primary.scheme}://{primary.netloc}{primary.path}?host={quote(str(self._run))}"

    def copy_primary(self) -> None:
        """Make the data directory out of the running primary's."""
        self.stop()
        shutil.rmtree(self._data, ignore_errors=True)
        programs = self._site.binaries.postgres.parent
        source = f"host={self._primary.run_dir} user={SUPERUSER}"
        command = [
            str(programs / "pg_basebackup"), "-D", str(self._data), "-d", source,
            "--wal-method=stream", "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
        ]  # fmt: skip
        subprocess.run(
            leashed(command, death_signal=signal.SIGKILL, user=self._site.user),
            env={**ENGINE_ENVIRONMENT, "PGPASSWORD": self._site.secrets.postgres_password},
            cwd="/",
            check=True,
        )
        assert (self._data / "standby.signal").exists()

    def tell(self, statement: str) -> Any:
        """Run a statement as the superuser, and return its first value."""
        with psycopg.connect(self.url("postgres", superuser=True), autocommit=True) as connection:
            row = connection.execute(statement).fetchone()
        return None if row is None else row[0]

    def _is_ready(self) -> bool:
        try:
            return bool(self.tell("SELECT pg_is_in_recovery()"))
        except psycopg.OperationalError:
            return False

    def _give(self, path: Path) -> None:
        if self._site.user is not None:
            os.chown(path, self._site.user.uid, self._site.user.gid)


@pytest.fixture(scope="module")
def standby_of_module(engines: Instance) -> Iterator[Standby]:
    directory = Path(tempfile.mkdtemp(prefix="slipstream-standby-", dir=engines.data_dir))
    standby = Standby(engines, directory)
    standby.copy_primary()
    yield standby
    standby.stop()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def standby(standby_of_module: Standby) -> Iterator[Standby]:
    """A replica that runs and replays; a test may stop it or hold it up."""
    standby_of_module.start()
    standby_of_module.wait_ready()
    yield standby_of_module
    with suppress(psycopg.OperationalError):
        standby_of_module.tell("SELECT pg_wal_replay_resume()")


@pytest.fixture
def replica_url(standby: Standby, database_url: str, eventually: Any) -> str:
    """This test's own database, on the replica."""
    name = urlsplit(database_url).path.strip("/")
    eventually(lambda: name in standby.tell("SELECT array_agg(datname::text) FROM pg_database"))
    return standby.url(name)
