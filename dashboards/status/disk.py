"""The page on disk: what any web server can serve while nothing else works, and what we answer from then."""

from __future__ import annotations

import os
import tempfile
from datetime import datetime
from pathlib import Path

import msgspec

from dashboards.status.rendering import JSON, Copy


class _AsOf(msgspec.Struct):
    as_of: datetime


def write(copy: Copy, directory: Path) -> None:
    """Write every file whole or not at all, the one that says of when they are last. Raises `OSError`."""
    for name in sorted(copy.files, key=lambda name: name == JSON):
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, new = tempfile.mkstemp(dir=file.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(copy.files[name])
                os.fchmod(stream.fileno(), 0o644)
            Path(new).replace(file)
        except BaseException:
            Path(new).unlink(missing_ok=True)
            raise


def read(directory: Path) -> Copy | None:
    """Return the page that was written; None when there is none."""
    try:
        files = {
            str(path.relative_to(directory)): path.read_bytes()
            for path in directory.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }
        return Copy(msgspec.json.decode(files[JSON], type=_AsOf).as_of, files)
    except (OSError, KeyError, msgspec.MsgspecError):
        return None
