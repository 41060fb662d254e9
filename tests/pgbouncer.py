"""Debian's PgBouncer in transaction mode before a test's database."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from app.embedded.service_user import service_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONFIGURATION = """
[databases]
* = host={socket_directory}
[pgbouncer]
unix_socket_dir = {directory}
listen_addr =
listen_port = 6432
auth_type = scram-sha-256
auth_file = {directory}/users.txt
pool_mode = transaction
default_pool_size = 2
max_client_conn = 200
logfile = {directory}/pgbouncer.log
"""


@contextmanager
def pooling(database_url: str, home: Path, eventually: Callable[..., Any]) -> Iterator[str]:
    """The address of a database through a PgBouncer with two connections for everybody, which lives below a directory."""
    parts = urlsplit(database_url)
    directory = home / "pgbouncer"
    directory.mkdir(mode=0o700)
    (directory / "users.txt").write_text(f'"{parts.username}" "{parts.password}"\n')
    socket_directory = parse_qs(parts.query)["host"][0]
    configuration = directory / "pgbouncer.ini"
    configuration.write_text(CONFIGURATION.format(directory=directory, socket_directory=socket_directory))
    user = service_user()
    as_user: dict[str, Any] = {}
    if user is not None:
        for path in (directory, *directory.iterdir()):
            shutil.chown(path, user.uid, user.gid)
        for parent in directory.parents:
            if parent.stat().st_uid == 0 and parent.stat().st_mode & 0o777 == 0o700:
                parent.chmod(0o711)
        as_user = {"user": user.uid, "group": user.gid, "extra_groups": []}
    process = subprocess.Popen(["/usr/sbin/pgbouncer", str(configuration)], stderr=subprocess.DEVNULL, **as_user)
    try:
        eventually((directory / ".s.PGSQL.6432").exists)
        yield f"{parts.scheme}://{parts.netloc}{parts.path}?host={quote(str(directory), safe='/')}&port=6432"
    finally:
        process.terminate()
        process.wait(timeout=10)
