"""What `slipstream report` does: a report as files, compiled here and rendered in a child, or an order for the workers."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.recording import command_actor, recorded
from app.core.database import Database
from app.core.pools import SLO_CONNECTIONS
from app.core.valkey import Valkey
from app.domain.calendar import UnknownPeriodError, UnknownZoneError
from app.slo_composition import compose_slos
from reporting.reports.archive import Format, ReportOrder, download_name, last_period
from reporting.reports.archive_compiling import compile_by
from reporting.reports.figures.periods import read_period
from reporting.reports.model import Kind
from reporting.reports.rendering import renderings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from app.core.settings import Settings
    from reporting.reports.archive import ArchivedReport, Paper
    from reporting.reports.model import Scope

_PATIENCE_MS = 60_000
"""Nobody waits for an answer to a request."""
_VALKEY_TIMEOUT_S = 5.0


def order_of(kind: Kind, period: str | None, timezone: str, scope: Scope, now: datetime) -> ReportOrder:
    """Return what is asked for. Raises `click.UsageError`."""
    try:
        name = (
            last_period(kind, timezone, now).name if period is None else read_period(period, timezone, now, kind).name
        )
    except (UnknownPeriodError, UnknownZoneError, OverflowError) as error:
        raise click.UsageError(f"{error}.") from None
    return ReportOrder(kind=kind, period=name, timezone=timezone, scope=scope)


@dataclass(frozen=True, slots=True)
class Written:
    """Where a report lies, and why a format of it could not be made."""

    paths: Mapping[Format, Path]
    missing: Mapping[Format, str]


def write_files(
    settings: Settings,
    order: ReportOrder,
    formats: Sequence[Format],
    paper: Paper,
    *,
    out: Path,
    now: datetime,
    watch: Callable[[str], object] = lambda _: None,
) -> Written:
    """Write a report into a directory; each file is there whole or not at all. `watch` is told what is being done.

    Raises `ReportError`, `DependencyError` and `OSError`.
    """
    with _database(settings) as database:
        watch(f"compiling {order.period}")
        valkey = Valkey(settings.redis_url, timeout_s=_VALKEY_TIMEOUT_S)
        try:
            report = compile_by(compose_slos(database, valkey).compiler)(order, now)
        finally:
            valkey.forget()
    watch(f"rendering {order.period}: {', '.join(formats)}")
    rendered = renderings(report, formats, paper)
    return Written(_write(rendered.files, order, out), rendered.missing)


def ask_workers(settings: Settings, order: ReportOrder, paper: Paper, *, to: Sequence[str], now: datetime) -> str:
    """Have a report made and mailed; return its id. Raises `Problem`."""
    from app.report_composition import report_archive  # noqa: PLC0415 - Who writes a file waits for neither.
    from app.task_queue import task_queue  # noqa: PLC0415

    valkey = Valkey(settings.redis_url, timeout_s=_VALKEY_TIMEOUT_S)
    by = command_actor().name
    with _database(settings) as database, recorded(settings, "reports.order", order.period, kind=order.kind, to=[*to]):
        enqueue = task_queue(settings, database, valkey).make_reports
        reports = report_archive(settings, database, enqueue)
        return reports.order(order, now, by=by, paper=paper, to=to).report_id


def archived(settings: Settings, *, kind: str | None, service: str | None, limit: int) -> Sequence[ArchivedReport]:
    """Return the reports of the archive."""
    from app.report_composition import report_archive  # noqa: PLC0415

    with _database(settings) as database:
        reports = report_archive(settings, database, lambda: None)
        return reports.page(kind=None if kind is None else Kind(kind), service=service, after=None, limit=limit)


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    database = Database(
        settings.database_url,
        pool_size=SLO_CONNECTIONS,
        statement_timeout_ms=_PATIENCE_MS,
        prepared_statements=settings.prepared_statements,
        name="slipstream report",
    )
    try:
        yield database
    finally:
        database.close()


def _write(files: Mapping[Format, bytes], order: ReportOrder, out: Path) -> dict[Format, Path]:
    out.mkdir(parents=True, exist_ok=True)
    paths = {}
    for kind, content in files.items():
        path = paths[kind] = out / download_name(order, "csv.zip" if kind is Format.CSV else str(kind))
        with tempfile.NamedTemporaryFile(dir=out, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    return paths
