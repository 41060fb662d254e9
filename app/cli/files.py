"""Files that verbs read: plain or gzipped, with a bar that shows how far."""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GZIP_MAGIC = b"\x1f\x8b"


def is_gzipped(file: Path) -> bool:
    """Look at the content, whatever the name says."""
    with file.open("rb") as source:
        return source.read(2) == GZIP_MAGIC


@contextmanager
def open_lines(file: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The file as it is, whose position is the progress, and its lines after decompression."""
    zipped = is_gzipped(file)
    with file.open("rb") as source:
        yield source, cast("BinaryIO", gzip.GzipFile(fileobj=source)) if zipped else source


@contextmanager
def progress_bar(what: str, size: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr over so many bytes; gives what moves it."""
    from rich.console import Console  # noqa: PLC0415 - `slipstream --help` stays quick.
    from rich.progress import Progress as Bar  # noqa: PLC0415

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=size)
        yield lambda done: bar.update(task, completed=done)
