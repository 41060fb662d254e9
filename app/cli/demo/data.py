"""The demo's own directory: what an earlier demo has left goes, and nothing else ever does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.embedded.binaries import EmbeddedError
from app.embedded.directory import DataDirectory
from app.embedded.service_user import service_user

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MARKER = "demo"
"""The file that makes a directory a demo's own."""


def claim(path: Path, *, on_earlier: Callable[[], None]) -> None:
    """Make `path` an empty directory of the demo's own; `on_earlier` is told before an earlier demo's data are removed.

    Raises `EmbeddedError` when it holds anything but a demo's data, or when an instance runs there.
    """
    if path.exists() and not path.is_dir():
        raise EmbeddedError(f"{path} is not a directory: give a new or empty one by --data.")
    earlier = (path / MARKER).is_file()
    if not earlier and path.is_dir() and any(path.iterdir()):
        raise EmbeddedError(f"{path} holds other files: give a new or empty directory by --data.")
    directory = DataDirectory(path, user=service_user())
    directory.prepare()
    directory.lock()
    try:
        if earlier:
            on_earlier()
            directory.clear(keep={MARKER})
        directory.write_private(MARKER, "The next `slipstream demo` on this directory removes everything in it.\n")
    finally:
        directory.unlock()


def clear(path: Path) -> None:
    """Remove what the demo has stored; the directory stays marked, for the next one."""
    claim(path, on_earlier=lambda: None)
