"""Imports a file of telemetry, each of its lines once, however often it is imported.

1. The file is found among those imported before by what is in it, and continued where it was left.
2. Its lines are counted by minute in this process: a piece of 4 MB becomes some thousand rows.
3. The counts of a piece are added in one transaction with the file's new position. A crash leaves whole pieces.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from ingestion.events.model import AHEAD
from ingestion.telemetry import files_store
from ingestion.telemetry.files_store import ImportedFile
from ingestion.telemetry.formats import BadFileError, BadLineError, Format, reader_of
from ingestion.telemetry.line_counts import BAD_LINES_SHOWN, count_lines
from ingestion.telemetry.log_file import PIECE, LogFile
from ingestion.telemetry.records import minute_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from datetime import datetime
    from typing import BinaryIO

    from app.core.database import Database
    from app.core.telemetry.ledger import Observation
    from ingestion.telemetry.formats import Reader
    from ingestion.telemetry.line_counts import BadLine, LineCounts
    from ingestion.telemetry.log_file import Piece
    from ingestion.telemetry.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file as its owner gives it; `open` may be called several times, and gives it from its beginning, decompressed.

    `file_id` names a file that cannot be told by its first record. `shift_to_now` moves all of its times by so many
    minutes that its last request is in the current one.
    """

    name: str
    open: Callable[[], BinaryIO]
    format: Format
    service: str
    account_id: str | None = None
    file_id: str | None = None
    finished: bool = False
    shift_to_now: bool = False


@dataclass(slots=True)
class Imported:
    """What this import did: `skipped_bytes` were imported before, `unfinished_bytes` are a last line without an end."""

    lines: int = 0
    requests: int = 0
    bad_lines: int = 0
    skipped_bytes: int = 0
    new_bytes: int = 0
    unfinished_bytes: int = 0
    shift_minutes: int = 0
    bad: list[BadLine] = field(default_factory=list)
    """The first few."""

    def add(self, piece: Imported) -> None:
        """Take in what was done with one more piece."""
        self.lines += piece.lines
        self.requests += piece.requests
        self.bad_lines += piece.bad_lines
        self.new_bytes += piece.new_bytes
        self.bad += piece.bad[: BAD_LINES_SHOWN - len(self.bad)]


class Importer:
    """Imports files into one database."""

    def __init__(self, database: Database, services: Services, *, piece: int = PIECE) -> None:
        self._database = database
        self._services = services
        self._piece = piece

    def run(self, source: Source, now: datetime, *, watch: Callable[[], object] = lambda: None) -> Imported:
        """Import what is new of a file; `watch` is called after every piece.

        Raises `BadFileError`, `Problem` (the service is another's) and `DependencyError`; what is imported until then
        stays, and the next import goes on from there.
        """
        result = Imported()
        log = self._open(source)
        head = _head_of(source, log)
        if head is None:
            return result
        with self._database.begin() as connection:
            self._services.claim(connection, source.service, source.account_id, now)
            known = files_store.find(connection, source.service, head)
        file = _found(known, log)
        if file is None:
            shift = _shift_to(now, source) if source.shift_to_now else 0
            log = self._open(source)
            file = ImportedFile(
                service=source.service,
                head=head,
                number=len(known),
                name=source.name,
                size=0,
                digest=b"",
                lines=0,
                bad_lines=0,
                shift_minutes=shift,
            )
        result.skipped_bytes, result.shift_minutes = file.size, file.shift_minutes
        reader = reader_of(source.format)
        if file.lines and source.format is Format.CSV:
            reader.read(log.first_line)  # The headings.
        with ThreadPoolExecutor(1) as writer:
            # A piece is counted while the one before it is added.
            adding: Future[Imported] | None = None
            for piece in log.pieces():
                taken, file = _taken(piece, file, reader, source, now)
                if adding is not None:
                    result.add(adding.result())
                    watch()
                adding = writer.submit(self._add, taken, now)
            if adding is not None:
                result.add(adding.result())
                watch()
        result.unfinished_bytes = log.unfinished
        return result

    def _open(self, source: Source) -> LogFile:
        return LogFile(source.open(), finished=source.finished, piece=self._piece)

    def _add(self, taken: _Taken, now: datetime) -> Imported:
        after, counts = taken.after, taken.counts
        with self._database.begin() as connection:
            if not files_store.advance(connection, after, before=taken.before, now=now):
                raise BadFileError("another import of it is running, or has just ended; repeat the command")
            known = self._services.add(connection, after.service, _shifted(counts.observations, after.shift_minutes))
        self._services.remember(after.service, known)
        return Imported(
            lines=counts.lines,
            requests=counts.requests,
            bad_lines=counts.bad_lines,
            new_bytes=after.size - taken.before,
            bad=counts.bad,
        )


@dataclass(frozen=True, slots=True)
class _Taken:
    """A piece that is counted: the file as it stands behind it, and how many bytes of it were imported before."""

    counts: LineCounts
    after: ImportedFile
    before: int


def _taken(
    piece: Piece, file: ImportedFile, reader: Reader, source: Source, now: datetime
) -> tuple[_Taken, ImportedFile]:
    latest = minute_of(now + AHEAD) - file.shift_minutes
    counts = count_lines(piece.lines, reader, first=file.lines + 1, latest=latest)
    after = replace(
        file,
        name=source.name,
        size=piece.end,
        digest=piece.digest,
        lines=file.lines + counts.lines,
        bad_lines=file.bad_lines + counts.bad_lines,
    )
    return _Taken(counts, after, before=file.size), after


def _head_of(source: Source, log: LogFile) -> bytes | None:
    """Name the file by its first record, which in CSV is behind the headings; by its id if that was given."""
    head = log.head(2 if source.format is Format.CSV else 1)
    if head is None or source.file_id is None:
        return head
    return sha256(source.file_id.encode()).digest()


def _found(known: list[ImportedFile], log: LogFile) -> ImportedFile | None:
    """Find the file among those that begin alike, and leave the log at the end of what was imported of it."""
    for file in known:
        digest = log.digest_at(file.size)
        if digest is None:
            raise BadFileError(
                f"it begins like {file.name}, of which {file.size:,} bytes were imported, and is shorter: an older copy? "
                "If it is another file, give it a name of its own by --file-id"
            )
        if digest == file.digest:
            return file
    return None


def _shifted(counts: dict[Observation, int], minutes: int) -> dict[Observation, int]:
    if not minutes:
        return counts
    return {(observation[0] + minutes, *observation[1:]): requests for observation, requests in counts.items()}


def _shift_to(now: datetime, source: Source) -> int:
    """Return by how many minutes the last request of a file must be moved to be in this one."""
    reader = reader_of(source.format)
    last = None
    for piece in LogFile(source.open(), finished=source.finished).pieces():
        for line in piece.lines:
            try:
                found = reader.read(line)
            except BadLineError:
                continue
            if found is not None:
                last = found[0][0] if last is None else max(last, found[0][0])
    return 0 if last is None else minute_of(now) - last
