"""The formats of files with telemetry: each reads one line, and says what its requests are counted by.

Measured in CPU time of one core, on the lines of the real log in `examples/`: 320,000 a second of `combined`, of which the
pattern takes more than half (520,000 alone; 120,000 the one that takes any line). Splitting by quotes is three times as
quick (1,800,000) and takes lines that are none.
"""

from __future__ import annotations

import csv
import re
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import msgspec

from app.core.telemetry.ledger import OTHER
from app.domain.histogram import bucket_of
from ingestion.telemetry.records import METHODS, Record, observation_of, route_of

if TYPE_CHECKING:
    from app.core.telemetry.ledger import Observation

_MOST_CACHED = 10_000
_NAMES = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
_MONTHS = {name: number for number, name in enumerate(_NAMES.split(), start=1)}


class Format(StrEnum):
    COMBINED = "combined"
    NDJSON = "ndjson"
    CSV = "csv"


class BadLineError(ValueError):
    """A line that is not of the format; the message says why."""


class BadFileError(ValueError):
    """A file that is not of the format as a whole; the message says why."""


class Reader(Protocol):
    """Reads the lines of one file, in their order, each without its end.

    Returns what a line's requests are counted by and how many they are; None for a line that holds none, such as
    headings. Raises `BadLineError`.
    """

    def read(self, line: bytes) -> tuple[Observation, int] | None: ...


def reader_of(kind: Format) -> Reader:
    """Return a reader for one file."""
    match kind:
        case Format.COMBINED:
            return CombinedReader()
        case Format.NDJSON:
            return NdjsonReader()
        case Format.CSV:
            return CsvReader()


_BEFORE = rb"\S+ \S+ [^\[]*\[([^\]]{17}):\d\d ([+-]\d{4})\] "
_USUAL = re.compile(
    _BEFORE + rb'"([A-Z]+) ([^ "\\]+)(?: [^" ]+)?" ([1-5]\d\d) (?:\d+|-)'
    rb'(?: "[^"\\]*" "[^"\\]*")?(?: (\d+(?:\.\d+)?))?[ \r]*'
)
"""A line without escapes and with a request of three words: four times as quick as the next one."""
_ANY = re.compile(
    _BEFORE + rb'"((?:[^"\\]|\\.)*)" ([1-5]\d\d) (?:\d+|-)'
    rb'(?: "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*")?(?: (\d+(?:\.\d+)?))?[ \r]*'
)
_REQUEST = re.compile(rb"([A-Z]+) (\S+)(?: \S+)?")


class CombinedReader:
    """Apache's and nginx's combined log (or the common one), with the request's time in seconds behind it or not."""

    def __init__(self) -> None:
        self._minutes: dict[tuple[bytes, bytes], int] = {}
        self._routes: dict[bytes, str] = {}

    def read(self, line: bytes) -> tuple[Observation, int]:
        usual = _USUAL.fullmatch(line)
        if usual is not None:
            when, zone, method, target, status, seconds = usual.groups()
        else:
            when, zone, method, target, status, seconds = _unusual(line)
        minute = self._minutes.get((when, zone))
        if minute is None:
            minute = self._remember_minute(when, zone)
        route = self._routes.get(target)
        if route is None:
            route = self._remember_route(target)
        name = method.decode()
        bucket = None if seconds is None else bucket_of(_microseconds(seconds))
        return (minute, None, route, name if name in METHODS else OTHER, "", int(status), "", bucket), 1

    def _remember_minute(self, when: bytes, zone: bytes) -> int:
        if len(self._minutes) >= _MOST_CACHED:
            self._minutes.clear()
        minute = self._minutes[when, zone] = _minute(when, zone)
        return minute

    def _remember_route(self, target: bytes) -> str:
        if len(self._routes) >= _MOST_CACHED:
            self._routes.clear()
        route = self._routes[target] = route_of(_without_origin(target.decode("utf-8", "replace")))
        return route


def _unusual(line: bytes) -> tuple[bytes, bytes, bytes, bytes, bytes, bytes | None]:
    """Read a line with escapes, or whose request is none: what a client sent that spoke no HTTP was answered as well."""
    found = _ANY.fullmatch(line)
    if found is None:
        raise BadLineError("not a line of a combined log")
    when, zone, request, status, seconds = found.groups()
    words = _REQUEST.fullmatch(request)
    method, target = (b"-", OTHER.encode()) if words is None else words.groups()
    return when, zone, method, target, status, seconds


def _minute(when: bytes, zone: bytes) -> int:
    """Read `17/May/2015:10:05` and `+0000` as the minute since 1970."""
    try:
        day, month, rest = when.split(b"/")
        year, hour, minute = rest.split(b":")
        sign = -1 if zone.startswith(b"-") else 1
        offset = timezone(sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5])))
        instant = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), tzinfo=offset)
    except (KeyError, ValueError) as error:
        raise BadLineError(f"{when.decode(errors='replace')!r} is not a time") from error
    return int(instant.timestamp()) // 60


def _microseconds(seconds: bytes) -> int:
    """Read `0.003` exactly: a float would make 2.01 s a microsecond less."""
    whole, _, fraction = seconds.partition(b".")
    return int(whole) * 1_000_000 + int((fraction + b"000000")[:6])


def _without_origin(target: str) -> str:
    """Return the path of `http://host/path`, as clients of proxies write it; paths as they are."""
    if "://" not in target.partition("?")[0]:
        return target
    return "/" + target.partition("://")[2].partition("/")[2]


class NdjsonReader:
    """One record of `POST /telemetry` as JSON a line."""

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(Record).decode

    def read(self, line: bytes) -> tuple[Observation, int] | None:
        if not line.strip():
            return None
        try:
            record = self._decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadLineError(_clear(error)) from error
        return observation_of(record), record.count or 1


class CsvReader:
    """A record a line, with the names of its fields in the first one. An empty field is one that is not there."""

    def __init__(self) -> None:
        self._fields: list[str] | None = None

    def read(self, line: bytes) -> tuple[Observation, int] | None:
        try:
            cells = next(csv.reader([line.decode("utf-8-sig" if self._fields is None else "utf-8")], strict=True), [])
        except (UnicodeDecodeError, csv.Error) as error:
            raise BadLineError(f"not CSV in UTF-8: {error}") from error
        if not cells:
            return None
        if self._fields is None:
            self._fields = _headings(cells)
            return None
        if len(cells) != len(self._fields):
            raise BadLineError(f"{len(cells)} fields, and the first line has {len(self._fields)}")
        values: dict[str, str | None] = {
            name: cell for name, cell in zip(self._fields, cells, strict=True) if cell != ""
        }
        values.setdefault("duration_ms", None)
        try:
            record = msgspec.convert(values, Record, strict=False)
        except msgspec.ValidationError as error:
            raise BadLineError(_clear(error)) from error
        return observation_of(record), record.count or 1


def _headings(cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    wrong = [name for name in names if name not in Record.__struct_fields__]
    missing = [name for name in ("timestamp", "route", "method", "status") if name not in names]
    if wrong or missing or len(set(names)) != len(names):
        raise BadFileError(
            f"the first line of a CSV file names its fields: some of {', '.join(Record.__struct_fields__)}"
        )
    return names


def _clear(error: Exception) -> str:
    return str(error).replace("`", "").replace(" - at $.", ": ")
