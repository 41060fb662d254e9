"""Measures how fast files of telemetry are imported: lines of the real log in `examples/`, at other times."""

from __future__ import annotations

import gzip
import re
import time
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.bench.results import Import
from app.core.database import Database
from app.platform import Role
from app.proc import tree_cpu_us
from ingestion.telemetry.formats import Format
from ingestion.telemetry.importer import Importer, Source
from ingestion.telemetry.services import Services

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.platform import Platform

LOG = Path(__file__).resolve().parents[3] / "examples" / "apache_access_2015.log.gz"
SPARSE, DENSE = 10, 2_500
"""Lines a minute. Few make a row of nearly every line, which is the most that PostgreSQL can have to do."""
_TIME = re.compile(rb"\[[^\]]*\]")
_START = datetime(2026, 1, 1, tzinfo=UTC)
_PATIENCE_MS = 60_000


def measure_imports(platform: Platform, *, lines: int, watch: Callable[[str], None]) -> tuple[Import, ...]:
    """Import so many lines of each kind, each into a service of its own."""
    database = Database(
        platform.instance.database_url, pool_size=2, statement_timeout_ms=_PATIENCE_MS, name="slipstream bench"
    )
    try:
        measured = []
        for name, kind, content in (
            (f"combined, {SPARSE} lines a minute", Format.COMBINED, _log(lines, SPARSE, timed=False)),
            (f"combined with times, {DENSE:,} lines a minute", Format.COMBINED, _log(lines, DENSE, timed=True)),
            ("ndjson with accounts", Format.NDJSON, _ndjson(lines)),
        ):
            watch(name)
            measured.append(_measure(platform, database, kind, (name, content)))
    finally:
        database.close()
    return tuple(measured)


def _measure(platform: Platform, database: Database, kind: Format, file: tuple[str, bytes]) -> Import:
    name, content = file
    (postmaster,) = (process.pid or 0 for process in platform.processes(Role.POSTGRESQL))
    service = re.sub(r"\W+", "-", name)
    source = Source(name=name, open=lambda: BytesIO(content), format=kind, service=service)
    importer = Importer(database, Services(lambda _: ()))
    before = tree_cpu_us(postmaster)
    began, cpu = time.perf_counter(), time.process_time()
    imported = importer.run(source, datetime.now(UTC))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    used = tree_cpu_us(postmaster) - before
    return Import(name, imported.lines, imported.lines / seconds, cpu * 1e6 / imported.lines, used / imported.lines)


def _log(lines: int, a_minute: int, *, timed: bool) -> bytes:
    """Repeat the lines of the log, so many in each minute."""
    real = gzip.decompress(LOG.read_bytes()).splitlines()
    result = []
    for number in range(lines):
        at = _START + timedelta(seconds=60 * number / a_minute)
        line = _TIME.sub(at.strftime("[%d/%b/%Y:%H:%M:%S +0000]").encode(), real[number % len(real)], count=1)
        result.append(line + (b" 0.%03d\n" % (number % 997) if timed else b"\n"))
    return b"".join(result)


def _ndjson(lines: int) -> bytes:
    return b"".join(
        b'{"timestamp":"%s","route":"/r/%d","method":"GET","status":200,"duration_ms":%d.5,"account_id":"a%d","tier":"free"}\n'
        % ((_START + timedelta(seconds=number * 0.06)).isoformat().encode(), number % 40, number % 300, number % 20)
        for number in range(lines)
    )
