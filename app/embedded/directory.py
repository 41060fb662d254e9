"""The data directory of an instance: who owns what, the lock, the secrets and the file that tells others how to connect.

lock            held while any process of the instance lives; names the process that took it
secrets.json    passwords and the admin token, made once
admin.token     the admin token again, alone, for `$(cat …)`
instance.env    settings for others, while the instance runs
telemetry/      what the API's processes have counted and not yet stored
postgresql.conf, valkey.conf, postgresql.log, valkey.log
postgresql/ valkey/ run/    owned by the engines' user; run/ has the sockets
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import stat
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.embedded.binaries import EmbeddedError, reachable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from app.process import User

ROOT_DATA_DIR = Path("/var/lib/slipstream")
SOCKET_PATH_MAX = 100  # The kernel allows 107 bytes, libpq's and Valkey's own suffixes included.
OPERATOR_FILE = "admin.token"
LONGEST_SOCKET_NAME = "/.s.PGSQL.5432.lock"
TAKEOVER_TIMEOUT_S = 30.0


def default_data_dir() -> Path:
    """Where an instance lives unless told: outside every home when root, else the user's data directory."""
    if os.geteuid() == 0:
        return ROOT_DATA_DIR
    home = os.environ.get("XDG_DATA_HOME", "")
    return (Path(home) if home.startswith("/") else Path.home() / ".local" / "share") / "slipstream"


@dataclass(frozen=True, slots=True)
class Secrets:
    """Made once for a data directory; all safe in a URL."""

    postgres_password: str
    database_password: str
    valkey_password: str
    admin_token: str


class DataDirectory:
    """The files of one instance. `prepare` and `lock` come first."""

    def __init__(self, path: Path, *, user: User | None) -> None:
        self.path = path.absolute()
        self._user = user
        self._lock_fd: int | None = None

    @property
    def postgres(self) -> Path:
        return self.path / "postgresql"

    @property
    def valkey(self) -> Path:
        return self.path / "valkey"

    @property
    def run(self) -> Path:
        """The sockets' directory: in the data directory, or in /tmp when its path is too long for a socket."""
        inside = self.path / "run"
        if len(os.fsencode(inside)) + len(LONGEST_SOCKET_NAME) <= SOCKET_PATH_MAX:
            return inside
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path("/tmp") / f"slipstream-{digest}"  # noqa: S108 - taken only if it is ours and closed to others.

    @property
    def lock_fd(self) -> int:
        """The lock's file, for the engines to hold as well."""
        if self._lock_fd is None:
            raise EmbeddedError("The data directory is not locked.")
        return self._lock_fd

    def prepare(self) -> None:
        """Make the directories, closed to everybody but the engines' user."""
        self.path.mkdir(mode=0o711, parents=True, exist_ok=True)
        if any(self.path.iterdir()) and not (self.path / "lock").exists():
            raise EmbeddedError(f"{self.path} holds other files: give a new or empty directory by --data.")
        if self.path.stat().st_uid != os.geteuid():
            raise EmbeddedError(f"{self.path} belongs to another user: give a directory of your own by --data.")
        self.path.chmod(0o711 if self._user else 0o700)
        if self._user and not reachable(self.path.parent, self._user):
            raise EmbeddedError(
                f"PostgreSQL does not run as root, and the user it runs as cannot enter {self.path.parent}. "
                f"Give a directory outside of closed ones by --data, such as {ROOT_DATA_DIR}."
            )

    def lock(self) -> None:
        """Take the directory for this process and its engines; waits for engines that are still ending after their owner's death."""
        fd = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        deadline = time.monotonic() + TAKEOVER_TIMEOUT_S
        while not _try_lock(fd):
            owner = os.pread(fd, 20, 0).decode().strip()
            if _alive(owner) or time.monotonic() > deadline:
                os.close(fd)
                raise EmbeddedError(f"{self.path} is in use by another instance (process {owner or 'unknown'}).")
            time.sleep(0.1)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._lock_fd = fd
        for directory in (self.valkey, self.run):
            self._make_private(directory)

    def clear(self, *, keep: Collection[str] = ()) -> None:
        """Remove everything but the lock, which must be held, and the names to keep."""
        if self._lock_fd is None:
            raise EmbeddedError("The data directory is not locked.")
        for entry in self.path.iterdir():
            if entry.name == "lock" or entry.name in keep:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def unlock(self) -> None:
        """Leave the directory to others."""
        (self.path / "instance.env").unlink(missing_ok=True)
        if self.run.parent != self.path:
            shutil.rmtree(self.run, ignore_errors=True)
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    def secrets(self) -> Secrets:
        """The secrets of the directory, made on the first call."""
        path = self.path / "secrets.json"
        if not path.exists():
            made = Secrets(*(secrets.token_urlsafe(32) for _ in range(4)))
            self.write_private("secrets.json", json.dumps(asdict(made), indent=1))
        known = Secrets(**json.loads(path.read_text()))
        self.write_private(OPERATOR_FILE, known.admin_token + "\n")
        return known

    def write_private(self, name: str, text: str, *, for_engines: bool = False) -> Path:
        """Write a file of mode 0600, owned by the engines' user if it is for them; complete or not at all."""
        path = self.path / name
        draft = path.with_name(f".{name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
            if for_engines and self._user:
                os.fchown(file.fileno(), self._user.uid, self._user.gid)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync(self.path)
        return path

    def publish(self, environment: Mapping[str, str]) -> None:
        """Tell others on this machine, who are this user, how to connect."""
        self.write_private("instance.env", "".join(f"{name}={value}\n" for name, value in environment.items()))

    def _make_private(self, directory: Path) -> None:
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700)
            if self._user:
                os.chown(directory, self._user.uid, self._user.gid)
        status = directory.lstat()
        owner = self._user.uid if self._user else os.geteuid()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != owner or stat.S_IMODE(status.st_mode) != 0o700:  # noqa: PLR2004
            raise EmbeddedError(f"{directory} is not a private directory of the engines' user (mode 0700).")


def sync(directory: Path) -> None:
    """Bring a directory's names to disk."""
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def in_use(path: Path) -> bool:
    """Whether a process of an instance on this data directory lives."""
    try:
        fd = os.open(path / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(fd)
    finally:
        os.close(fd)


def running_environment(path: Path) -> dict[str, str]:
    """Settings of the instance that runs on this data directory; raises EmbeddedError when none does."""
    try:
        if in_use(path):
            return dict(line.split("=", 1) for line in (path / "instance.env").read_text().splitlines())
    except FileNotFoundError:  # It is just starting or stopping.
        pass
    except PermissionError:
        raise EmbeddedError(f"The instance in {path} belongs to another user.") from None
    raise EmbeddedError(f"No instance runs on {path}: start one with slipstream up --data {path}.")


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
