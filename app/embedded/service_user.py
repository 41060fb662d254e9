"""The system user that runs the engines when this process is root, which PostgreSQL refuses to be."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess

from app.embedded.binaries import EmbeddedError
from app.process import User

NAME = "slipstream"


def service_user() -> User | None:
    """The engines' own user, created if missing; None when this process is not root and runs them itself."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        entry = _create()
    return User(uid=entry.pw_uid, gid=entry.pw_gid)


def _create() -> pwd.struct_passwd:
    useradd = shutil.which("useradd")
    if useradd is None:
        raise EmbeddedError(
            f"PostgreSQL does not run as root and there is no useradd: create a system user named {NAME}."
        )
    command = [
        useradd,
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/nonexistent",
        "--shell",
        "/usr/sbin/nologin",
        NAME,
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return pwd.getpwnam(NAME)  # Another process may have been quicker, so the status alone does not tell.
    except KeyError:
        raise EmbeddedError(f"The system user {NAME} could not be created: {result.stderr.strip()}") from None
