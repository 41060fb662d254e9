"""A copy of the list of erasures, for a database that is restored from a backup older than they are."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from app.core.erasure.erasure import Erasure

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FORMAT = 1


class UnreadableFileError(Exception):
    """The file is no copy of the list; the message says why."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    digest: bytes
    requested_by: str
    requested_at: datetime
    done_at: datetime | None
    counts: dict[str, int]


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """`key` is that of the digests: with it, who guesses an id can tell whether it was erased."""

    format: int
    key: bytes
    erasures: list[Record]

    def records(self) -> list[Erasure]:
        """Return the erasures as they are kept where all is done; what was not is begun again with its account."""
        return [
            Erasure(
                digest=each.digest,
                account_id=None,
                words=(),
                labels=(),
                services=(),
                requested_by=each.requested_by,
                requested_at=each.requested_at,
                purged_at=None,
                done_at=each.done_at or each.requested_at,
                counts=each.counts,
            )
            for each in self.erasures
        ]


def write(file: Path, key: bytes, found: Iterable[Erasure]) -> None:
    """Write a copy, whole or not at all, that nobody else on this machine can read."""
    records = [
        Record(
            digest=each.digest,
            requested_by=each.requested_by if each.account_id is None else each.names.signed(each.requested_by),
            requested_at=each.requested_at,
            done_at=each.done_at,
            counts=dict(each.counts),
        )
        for each in found
    ]
    part = file.with_name(f"{file.name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
        opened.write(msgspec.json.format(msgspec.json.encode(Copy(format=_FORMAT, key=key, erasures=records))) + b"\n")
    part.replace(file)


def read(file: Path) -> Copy:
    """Return a copy. Raises `UnreadableFileError`."""
    try:
        copy = msgspec.json.decode(file.read_bytes(), type=Copy)
    except (OSError, msgspec.MsgspecError) as error:
        raise UnreadableFileError(f"{file} cannot be read: {error}") from error
    if copy.format != _FORMAT:
        raise UnreadableFileError(f"{file} has format {copy.format}, and this version reads {_FORMAT}.")
    return copy
