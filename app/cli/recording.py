"""What commands change is in the record, as what pages and keys change is."""

from __future__ import annotations

import getpass
import os
import socket
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.core.audit_entry import Actor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.core.settings import Settings

COMMAND_LINE = "cli"


def command_actor() -> Actor:
    """Return who runs this command: `cli:` and his name on this machine, which is the address."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # In a container, as a user whom nobody has named.
        name = str(os.getuid())
    return Actor(f"{COMMAND_LINE}:{name}", socket.gethostname())


@contextmanager
def recorded(settings: Settings, action: str, subject: str, /, **detail: Any) -> Iterator[None]:
    """Record a change before it is made, and behind it when it was refused. Raises `DependencyError`: then it is not made."""
    from app.core.audit import Audit  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.core.database import Database  # noqa: PLC0415

    database = Database(settings.database_url, pool_size=1, name="slipstream record")
    try:
        with Audit(database).change(command_actor(), action, subject, now=datetime.now(UTC), **detail):
            yield
    finally:
        database.close()
