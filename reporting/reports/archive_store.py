"""`reports` and `report_files`: the archive in PostgreSQL."""

from __future__ import annotations

import hashlib
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from app.core.report_tables import report_files, reports
from reporting.reports.archive import ArchivedReport, Paper, ReportFile, ReportOrder, State
from reporting.reports.model import Kind, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

QUEUED_FOR = timedelta(seconds=90)
"""After this a task that was put into the queue and did nothing is taken to be lost, and put in again."""
_UNFINISHED = reports.c.state.in_([State.QUEUED, State.RUNNING])
_PACKED = ("%PDF", "PK")
"""How files begin that are compressed by themselves."""


def latest(connection: Connection, report_id: str, *, lock: bool = False) -> ArchivedReport | None:
    """Return the last revision of a report; `lock` holds others off it until the transaction ends."""
    query = select(reports).where(reports.c.report_id == report_id).order_by(reports.c.revision.desc()).limit(1)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _report(row)


def add(connection: Connection, order: ReportOrder, *, revision: int, paper: Paper, by: str, now: datetime) -> bool:
    """Put an order in; False when somebody else was faster."""
    values = {
        "report_id": order.report_id,
        "revision": revision,
        "kind": order.kind,
        "period": order.period,
        "timezone": order.timezone,
        "service": order.scope.service,
        "account_id": order.scope.account_id,
        "tier": order.scope.tier,
        "papers": [paper],
        "state": State.QUEUED,
        "step": "",
        "reason": "",
        "attempts": 0,
        "requested_by": by,
        "ordered_at": now,
    }
    statement = insert(reports).values(**values).on_conflict_do_nothing().returning(reports.c.revision)
    return connection.execute(statement).one_or_none() is not None


def want_paper(connection: Connection, report: ArchivedReport, paper: Paper) -> None:
    """Have a PDF made on another paper as well."""
    values: dict[str, Any] = {"papers": func.array_append(reports.c.papers, paper)}
    if not report.unfinished:
        values |= {"state": State.QUEUED, "step": "", "attempts": 0, "queued_until": None}
    connection.execute(update(reports).where(*_is(report)).values(**values))


def page(
    connection: Connection,
    *,
    kind: Kind | None,
    service: str | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[ArchivedReport]:
    """Return the last revision of each report, the last to be ordered first."""
    order = (reports.c.ordered_at, reports.c.report_id)
    newer = reports.alias("newer")
    replaced = select(1).where(newer.c.report_id == reports.c.report_id, newer.c.revision > reports.c.revision)
    query = select(reports).where(~replaced.exists()).order_by(*(column.desc() for column in order)).limit(limit)
    if kind is not None:
        query = query.where(reports.c.kind == kind)
    if service is not None:
        query = query.where(reports.c.service == service)
    if after is not None:
        query = query.where(tuple_(*order) < tuple_(*after))
    return [_report(row) for row in connection.execute(query)]


def waiting(connection: Connection, now: datetime, *, limit: int) -> list[tuple[str, int]]:
    """Return reports that are to be made and that no task is in the queue for, or at, the longest waiting first."""
    query = (
        select(reports.c.report_id, reports.c.revision)
        .where(
            _UNFINISHED,
            or_(reports.c.queued_until.is_(None), reports.c.queued_until < now),
            or_(reports.c.claimed_until.is_(None), reports.c.claimed_until < now),
        )
        .order_by(reports.c.ordered_at)
        .limit(limit)
    )
    return [(row.report_id, row.revision) for row in connection.execute(query)]


def note_queued(connection: Connection, queued: Sequence[tuple[str, int]], now: datetime) -> None:
    """Take note that there is a task for reports, of which some may be made by now."""
    these = tuple_(reports.c.report_id, reports.c.revision).in_(queued)
    connection.execute(update(reports).where(these, _UNFINISHED).values(queued_until=now + QUEUED_FOR))


def claim(
    connection: Connection, report_id: str, revision: int, *, by: str, now: datetime, until: datetime
) -> ArchivedReport | None:
    """Begin to make a report; None when it is made, or another task is at it.

    A task that was interrupted and runs again goes on with its own claim.
    """
    free = or_(reports.c.claimed_until.is_(None), reports.c.claimed_until < now, reports.c.claimed_by == by)
    statement = (
        update(reports)
        .where(reports.c.report_id == report_id, reports.c.revision == revision, _UNFINISHED, free)
        .values(state=State.RUNNING, attempts=reports.c.attempts + 1, claimed_by=by, claimed_until=until)
        .returning(reports)
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else _report(row)


def note_step(connection: Connection, report: ArchivedReport, step: str, *, by: str, until: datetime) -> bool:
    """Say what is being done, and keep the claim for longer; False when another task has taken over."""
    mine = (*_is(report), reports.c.claimed_by == by, _UNFINISHED)
    done = connection.execute(update(reports).where(*mine).values(step=step, claimed_until=until))
    return done.rowcount == 1


def finish(
    connection: Connection, report: ArchivedReport, *, by: str, now: datetime, complete: bool, reason: str
) -> bool:
    """Say that a report is ready; False when it is wanted on another paper by now, or is no longer ours."""
    mine = (*_is(report), reports.c.claimed_by == by, reports.c.papers == list(report.papers), _UNFINISHED)
    values = {
        "state": State.READY,
        "step": "",
        "reason": reason,
        "generated_at": func.coalesce(reports.c.generated_at, now),
        "complete": func.coalesce(reports.c.complete, complete),
    }
    done = connection.execute(update(reports).where(*mine).values(**values, **_FREE))
    return done.rowcount == 1


def end_try(connection: Connection, report: ArchivedReport, *, by: str, state: State, reason: str) -> bool:
    """Say that a try came to nothing: for good, or until the next."""
    mine = (*_is(report), reports.c.claimed_by == by, _UNFINISHED)
    statement = update(reports).where(*mine).values(state=state, step="", reason=reason, **_FREE)
    return connection.execute(statement).rowcount == 1


_FREE = {"claimed_by": None, "claimed_until": None}


def save_files(connection: Connection, report: ArchivedReport, files: Iterable[tuple[str, bytes]]) -> None:
    """Keep files of a report; one that is there stays as it is."""
    rows = [_file_row(report, name, content) for name, content in files]
    if rows:
        connection.execute(insert(report_files).values(rows).on_conflict_do_nothing())


def file_names(connection: Connection, report: ArchivedReport) -> set[str]:
    table = report_files
    query = select(table.c.name).where(table.c.report_id == report.report_id, table.c.revision == report.revision)
    return set(connection.scalars(query))


def find_file(connection: Connection, report_id: str, name: str, revision: int | None = None) -> ReportFile | None:
    """Return a file of a revision, or of the last one that was made."""
    wanted = reports.c.generated_at.is_not(None) if revision is None else reports.c.revision == revision
    return _file(connection, _files(report_id, name).where(wanted).order_by(reports.c.revision.desc()))


def find_files(connection: Connection, revisions: Iterable[tuple[str, int]], name: str) -> dict[str, bytes]:
    """Return a file of each of some reports that has it, by the report's id."""
    table = report_files
    these = tuple_(table.c.report_id, table.c.revision).in_(list(revisions))
    query = select(table.c.report_id, table.c.content, table.c.deflated).where(these, table.c.name == name)
    return {
        row.report_id: zlib.decompress(row.content) if row.deflated else bytes(row.content)
        for row in connection.execute(query)
    }


def served(connection: Connection, report_id: str) -> ArchivedReport | None:
    """Return the last revision of a report that was made, which is the one that is given out."""
    query = select(reports).where(reports.c.report_id == report_id, reports.c.generated_at.is_not(None))
    row = connection.execute(query.order_by(reports.c.revision.desc()).limit(1)).one_or_none()
    return None if row is None else _report(row)


def find_first(connection: Connection, report_id: str, name: str) -> ReportFile | None:
    """Return a file of the first revision that was made when its period was over."""
    return _file(connection, _files(report_id, name).where(reports.c.complete).order_by(reports.c.revision))


def purge(connection: Connection, *, kept_since: datetime, replaced_since: datetime, limit: int) -> int:
    """Delete reports ordered before a moment, and revisions that were replaced before another; return how many."""
    newer = reports.alias("newer")
    replaced = select(1).where(
        newer.c.report_id == reports.c.report_id,
        newer.c.revision > reports.c.revision,
        newer.c.generated_at < replaced_since,
    )
    old = (
        select(reports.c.report_id, reports.c.revision)
        .where(~_UNFINISHED, or_(reports.c.ordered_at < kept_since, replaced.exists()))
        .limit(limit)
    )
    statement = delete(reports).where(tuple_(reports.c.report_id, reports.c.revision).in_(old))
    return connection.execute(statement).rowcount


def _is(report: ArchivedReport) -> tuple[Any, Any]:
    return reports.c.report_id == report.report_id, reports.c.revision == report.revision


def _files(report_id: str, name: str) -> Select[Any]:
    table = report_files
    same = and_(reports.c.report_id == table.c.report_id, reports.c.revision == table.c.revision)
    columns = (table.c.content, table.c.deflated, table.c.digest, reports.c.generated_at, reports.c.ordered_at)
    return select(*columns).join(reports, same).where(table.c.report_id == report_id, table.c.name == name)


def _file(connection: Connection, query: Select[Any]) -> ReportFile | None:
    row = connection.execute(query.limit(1)).one_or_none()
    if row is None:
        return None
    content = zlib.decompress(row.content) if row.deflated else bytes(row.content)
    return ReportFile(content=content, digest=row.digest, generated_at=row.generated_at or row.ordered_at)


def _file_row(report: ArchivedReport, name: str, content: bytes) -> dict[str, Any]:
    packed = content.startswith(tuple(start.encode() for start in _PACKED))
    return {
        "report_id": report.report_id,
        "revision": report.revision,
        "name": name,
        "content": content if packed else zlib.compress(content),
        "deflated": not packed,
        "size": len(content),
        "digest": hashlib.sha256(content).hexdigest(),
    }


def _report(row: Row[Any]) -> ArchivedReport:
    scope = Scope(service=row.service, account_id=row.account_id, tier=row.tier)
    return ArchivedReport(
        order=ReportOrder(kind=Kind(row.kind), period=row.period, timezone=row.timezone, scope=scope),
        revision=row.revision,
        papers=tuple(Paper(paper) for paper in row.papers),
        state=State(row.state),
        step=row.step,
        reason=row.reason,
        attempts=row.attempts,
        requested_by=row.requested_by,
        ordered_at=row.ordered_at,
        generated_at=row.generated_at,
        complete=row.complete,
    )
