"""An instance: PostgreSQL and Valkey on one data directory, started together, durable, and closed to others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from app.embedded.binaries import EmbeddedError, find_binaries
from app.embedded.directory import DataDirectory
from app.embedded.engines import Postgres, Site, Valkey
from app.embedded.service_user import service_user
from app.embedded.tuning import Profile, memory_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

T = TypeVar("T")


class Instance:
    """The embedded engines: `with Instance(data_dir).start() as instance: … instance.database_url …`.

    Raises EmbeddedError when the directory is in use or unfit, ProcessFailedError when an engine does not start.
    """

    def __init__(self, data_dir: Path, *, profile: Profile = Profile.SERVE) -> None:
        self.data_dir = data_dir.absolute()
        self.profile = profile
        self._site: Site | None = None
        self._postgres: Postgres | None = None
        self._valkey: Valkey | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def postgres(self) -> Postgres:
        return _started(self._postgres)

    @property
    def valkey(self) -> Valkey:
        return _started(self._valkey)

    @property
    def database_url(self) -> str:
        return self.postgres.database_url

    @property
    def redis_url(self) -> str:
        return self.valkey.redis_url

    @property
    def admin_token(self) -> str:
        return _started(self._site).secrets.admin_token

    @property
    def run_dir(self) -> Path:
        """The directory of the sockets."""
        return _started(self._site).directory.run

    @property
    def environment(self) -> dict[str, str]:
        """The settings that connect a process to this instance."""
        return {
            "SLIPSTREAM_DATABASE_URL": self.database_url,
            "SLIPSTREAM_REDIS_URL": self.redis_url,
            "SLIPSTREAM_ADMIN_TOKEN": self.admin_token,
        }

    def start(self) -> Self:
        """Start on new or existing data, also on what a SIGKILL has left; returns when both engines serve."""
        user = service_user()
        directory = DataDirectory(self.data_dir, user=user)
        directory.prepare()
        directory.lock()
        try:
            self._site = Site(
                directory=directory,
                secrets=directory.secrets(),
                binaries=find_binaries(user),
                user=user,
                profile=self.profile,
                memory=memory_bytes(),
            )
            self._valkey = Valkey(self._site)
            self._postgres = Postgres(self._site)
            self._valkey.start()
            self._postgres.initialise()
            self._postgres.start()
            self._valkey.wait_ready()
            self._postgres.wait_ready()
            self._postgres.ensure_application()
            self.publish({})
        except BaseException:
            self._stop_engines()
            directory.unlock()
            raise
        return self

    def publish(self, more: Mapping[str, str]) -> None:
        """Write `instance.env`, with settings that only the caller knows, such as the address it listens on."""
        _started(self._site).directory.publish({**self.environment, **more})

    def stop(self) -> None:
        """Stop the engines in order and leave the directory to others."""
        self._stop_engines()
        if self._site is not None:
            self._site.directory.unlock()
            self._site = None

    def _stop_engines(self) -> None:
        for engine in (self._postgres, self._valkey):
            if engine is not None:
                engine.stop()
        self._postgres = self._valkey = None


def _started(part: T | None) -> T:
    if part is None:
        raise EmbeddedError("The instance is not running.")
    return part
