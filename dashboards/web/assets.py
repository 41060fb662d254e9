"""Scripts and styles, served from memory under an address that changes with them, so that browsers keep them for ever."""

from __future__ import annotations

import gzip
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Asset(NamedTuple):
    """One file, as it is and compressed."""

    content_type: str
    body: bytes
    zipped: bytes


class Assets:
    """Every file of `dashboards/static`, read once."""

    def __init__(self) -> None:
        self._files = dict(_read(files("dashboards").joinpath("static"), ""))
        digest = hashlib.sha256()
        for name, asset in sorted(self._files.items()):
            digest.update(name.encode() + asset.body)
        self.version = digest.hexdigest()[:16]

    def find(self, name: str) -> Asset | None:
        return self._files.get(name)

    def address(self, name: str) -> str:
        """Return where a file is served. Raises `KeyError` when there is none."""
        self._files[name]
        return f"/ui/static/{self.version}/{name}"


def _read(directory: Traversable, prefix: str) -> list[tuple[str, Asset]]:
    found: list[tuple[str, Asset]] = []
    for entry in directory.iterdir():
        suffix = entry.name[entry.name.rfind(".") :]
        if entry.is_dir():
            found += _read(entry, f"{prefix}{entry.name}/")
        elif suffix in _TYPES:
            body = entry.read_bytes()
            found.append((prefix + entry.name, Asset(_TYPES[suffix], body, gzip.compress(body, 9, mtime=0))))
    return found
