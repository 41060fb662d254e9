"""What the archive keeps: orders of reports, what became of them, and what they were rendered into."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import msgspec

from app.domain.calendar import Calendar, Unit, UnknownPeriodError, period_named
from reporting.reports.model import Kind, Report, Scope, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from app.domain.calendar import Period

_ID_LETTERS = 20
_UNITS = {Kind.WEEKLY: Unit.WEEK, Kind.MONTHLY: Unit.MONTH}
_PERIODS = {Kind.WEEKLY: re.compile(r"\d{4}-W\d\d"), Kind.MONTHLY: re.compile(r"\d{4}-\d\d")}
_FIRST_YEAR = "1971"
"""Before it nothing was measured, and the edges of time are none of a calendar's."""


EVERYTHING = Scope()


class State(StrEnum):
    """How far an order is."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


class Paper(StrEnum):
    A4 = "a4"
    LETTER = "letter"


class Format(StrEnum):
    """What a report is rendered into; `MAIL` is the first page as the body of a mail."""

    HTML = "html"
    PDF = "pdf"
    CSV = "csv"  # A zip with a table in each file.
    JSON = "json"
    MAIL = "mail"


class ReportError(Exception):
    """A report cannot be made; says why in words for people, without secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOrder:
    """Which report is wanted. `period` is a name such as `2026-10` or `2026-W43`, of `kind`."""

    kind: Kind
    period: str
    timezone: str
    scope: Scope = EVERYTHING

    @property
    def report_id(self) -> str:
        """The same for the same report, whoever orders it and whenever."""
        scope = (self.scope.service, self.scope.account_id, self.scope.tier)
        digest = hashlib.sha256(msgspec.json.encode([self.kind, self.period, self.timezone, *scope])).hexdigest()
        return f"rpt_{digest[:_ID_LETTERS]}"

    @property
    def span(self) -> Period:
        """The period with its edges. Raises `UnknownPeriodError` and `UnknownZoneError`."""
        if not _PERIODS[self.kind].fullmatch(self.period) or self.period < _FIRST_YEAR:
            example = "2026-W43" if self.kind is Kind.WEEKLY else "2026-10"
            raise UnknownPeriodError(f"the period of a {self.kind} report is written like {example}")
        return period_named(self.period, self.timezone)


def last_period(kind: Kind, timezone: str, now: datetime) -> Period:
    """Return the last period that is over. Raises `UnknownZoneError`."""
    return Calendar(_UNITS[kind], timezone).at(now).previous()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """`missing` has the reason for each format that could not be made."""

    files: Mapping[Format, bytes]
    missing: Mapping[Format, str]


class Compile(Protocol):
    """Computes a report; `first` is how it was first made when its period was over.

    Raises `DependencyError`, and `ReportError` for what cannot be.
    """

    def __call__(self, order: ReportOrder, now: datetime, first: Report | None = None) -> Report: ...


class Render(Protocol):
    """Renders a report into formats, each of which may turn out to be missing."""

    def __call__(self, report: Report, formats: Sequence[Format], paper: Paper) -> Rendered: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedReport:
    """One revision of a report. `generated_at` is None until all of it was there once; `step` is what is being done."""

    order: ReportOrder
    revision: int
    papers: tuple[Paper, ...]
    state: State
    step: str
    reason: str
    attempts: int
    requested_by: str
    ordered_at: datetime
    generated_at: datetime | None
    complete: bool | None

    @property
    def report_id(self) -> str:
        return self.order.report_id

    @property
    def unfinished(self) -> bool:
        return self.state in {State.QUEUED, State.RUNNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFile:
    """What a report was rendered into; `digest` is the SHA-256 of its bytes."""

    content: bytes
    digest: str
    generated_at: datetime


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a report in a list: a part of its model."""

    title: str
    verdict: Verdict


MODEL = "model"
"""The name of the file that the others are rendered from."""


def file_name(kind: Format, paper: Paper) -> str:
    """Return the name under which a format is kept: only a PDF is of a paper."""
    return f"{kind}-{paper}" if kind is Format.PDF else str(kind)


def download_name(order: ReportOrder, suffix: str) -> str:
    """Return a name for a file on somebody's disk, of letters that every disk takes."""
    parts = (order.scope.service, order.scope.account_id, order.scope.tier, order.kind, order.period)
    stem = "-".join(re.sub(r"[^A-Za-z0-9._-]+", "_", part) for part in parts if part)
    return f"slipstream-{stem}.{suffix}"


def encode_model(report: Report) -> bytes:
    return msgspec.json.encode(report)


def decode_model(data: bytes) -> Report:
    return msgspec.json.decode(data, type=Report)


def decode_told(data: bytes) -> Told:
    """Read this part of a model alone, in a tenth of the time."""
    return msgspec.json.decode(data, type=Told)
