"""The demo's reports: a real access log as service `website`, and last month and this week as people read them."""

from __future__ import annotations

import gzip
import json
import os
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from app.cli.chaos.evidence_store import read_evidence
from app.cli.demo.flights import EXAMPLES
from app.cli.options import read_settings
from app.cli.report.writing import write_files
from app.client import UnexpectedAnswerError
from app.core.database import Database
from app.named_routes import NamedRoutes
from ingestion.telemetry.formats import Format as LogFormat
from ingestion.telemetry.importer import Importer, Source
from ingestion.telemetry.services import Services
from reporting.catalogue.catalogue import Catalogue
from reporting.reports.archive import Format, Paper, ReportOrder, last_period
from reporting.reports.model import Kind, Scope

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from rich.console import Console

    from app.cli.chaos.checker import Evidence
    from app.cli.demo.data import Claimed
    from app.platform import Platform

WEBSITE = "website"
ACCESS_LOG = EXAMPLES / "apache_access_2015.log.gz"
PROMISE = EXAMPLES / "website-availability.yaml"
_FORMATS = (Format.PDF, Format.HTML, Format.JSON)
_ZONE = "UTC"
_PATIENCE_MS = 60_000
_MINUTE = timedelta(minutes=1)
_OK = 200


@dataclass(slots=True)
class Reports:
    """Where they lie, how many requests the log has, and a sentence for whatever is not as it must be."""

    paths: list[Path] = field(default_factory=list)
    requests: int = 0
    broken: list[str] = field(default_factory=list)


def import_website(platform: Platform, claimed: Claimed) -> int:
    """Import the log twice, so that it ends with the last month, and again so that it ends now; return its requests.

    It holds four days, and the last month and this week are to have requests. Repeated, every line counts once, and none here.
    """
    with platform.admin() as admin:
        answer = admin.request("PUT", "/slos", PROMISE.read_bytes(), {"Content-Type": "application/yaml"})
        if answer.status != _OK:
            raise UnexpectedAnswerError(answer, "PUT /slos")
    month = last_period(Kind.MONTHLY, _ZONE, claimed.month_ends)
    database = Database(
        platform.instance.database_url, pool_size=2, statement_timeout_ms=_PATIENCE_MS, name="slipstream demo"
    )
    with closing(database):
        names = NamedRoutes(Catalogue(database).in_force)
        names.look()
        importer = Importer(database, Services(names))
        moments = {"last month": month.end - _MINUTE, "now": claimed.month_ends}
        imported = [importer.run(_source(f"demo, ends {name}"), ends) for name, ends in moments.items()]
    return imported[0].requests


def show_reports(console: Console, platform: Platform, claimed: Claimed, requests: int) -> Reports:
    """Write the reports, and say where they lie and what is in them."""
    console.print(
        f"[bold]Reports[/] of last month and this week. They also count the requests of a real website in May 2015, as\n"
        f"service {WEBSITE}: its access log holds four days, which are moved so that they end with last month, and\n"
        "imported again so that they end now."
    )
    instance = platform.instance
    made = write_reports(platform, claimed, read_evidence(instance.database_url, instance.redis_url), requests)
    for path in made.paths:
        console.print(f"  {path}")
    console.print()
    return made


def write_reports(platform: Platform, claimed: Claimed, evidence: Evidence, requests: int) -> Reports:
    """Write the reports of last month and of this week, and compare what they say with what was sent."""
    made = Reports(requests=requests)
    settings = read_settings(os.environ, platform.instance.data_dir)
    month = last_period(Kind.MONTHLY, _ZONE, claimed.month_ends)
    week = last_period(Kind.WEEKLY, _ZONE, claimed.month_ends).next()
    found = {}
    for kind, period in ((Kind.MONTHLY, month), (Kind.WEEKLY, week)):
        order = ReportOrder(kind=kind, period=period.name, timezone=_ZONE, scope=Scope())
        out = platform.instance.data_dir / "reports"
        written = write_files(settings, order, _FORMATS, Paper.A4, out=out, now=claimed.clock.now())
        made.paths += written.paths.values()
        made.broken += [f"the {kind} report has no {name.upper()}: {why}" for name, why in written.missing.items()]
        made.broken += [f"{path} is empty" for path in written.paths.values() if not path.stat().st_size]
        found[kind] = json.loads(written.paths[Format.JSON].read_text())
    made.broken += wrong_figures(found[Kind.MONTHLY], found[Kind.WEEKLY], evidence, claimed, requests)
    return made


def wrong_figures(
    month: dict[str, Any], week: dict[str, Any], evidence: Evidence, claimed: Claimed, requests: int
) -> list[str]:
    """Compare reports with what was imported and sent. A demo that goes on has weeks before, and a month of its own."""
    if claimed.goes_on:
        return []
    wrong = []
    counted = next(promise["tally"]["total"] for promise in month["promises"] if promise["slo"] == PROMISE.stem)
    if counted != requests:
        wrong.append(f"last month's report counts {counted:,} requests of {WEBSITE}, and its log has {requests:,}")
    completeness, accepted = week["completeness"], evidence.accepted
    if completeness["accepted"] != accepted:
        wrong.append(f"this week's report says that {completeness['accepted']:,} were accepted, and {accepted:,} were")
    return wrong


def _source(name: str) -> Source:
    return Source(
        name=str(ACCESS_LOG),
        open=lambda: cast("BinaryIO", gzip.open(ACCESS_LOG)),
        format=LogFormat.COMBINED,
        service=WEBSITE,
        file_id=name,
        finished=True,
        shift_to_now=True,
    )
