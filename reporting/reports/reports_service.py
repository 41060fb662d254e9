"""Reports, as people order, read, compare and send them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from app.core.problems import FieldError, Problem, ProblemType
from app.domain.calendar import UnknownPeriodError, UnknownZoneError
from reporting.reports import archive_store, delivery_store, subscriptions_store
from reporting.reports.archive import MODEL, Paper, State, decode_model, decode_told
from reporting.reports.archive_comparison import compare
from reporting.reports.delivery_recipients import need_mail, read_recipients
from reporting.reports.delivery_store import Send
from reporting.reports.figures.scoping import UnknownScopeError
from reporting.reports.figures.scoping import check as check_scope
from reporting.reports.known_account import check_account

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database
    from reporting.reports.archive import ArchivedReport, ReportFile, ReportOrder, Told
    from reporting.reports.archive_comparison import Comparison
    from reporting.reports.delivery import ReportDelivery
    from reporting.reports.model import Kind, Report

_NONE = "There is no such report."


class Reports:
    """Thread-safe. Methods raise `Problem` and `DependencyError`.

    `enqueue` puts the making of a report into the queue: what is lost on the way there is found again within minutes.
    `can_mail` says whether there is a mail server. Times are real ones, but for `now` of a period.
    """

    def __init__(
        self,
        database: Database,
        delivery: ReportDelivery,
        enqueue: Callable[[], object],
        *,
        can_mail: bool,
        real_time: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._delivery = delivery
        self._enqueue = enqueue
        self._can_mail = can_mail
        self._real_time = real_time

    def order(
        self,
        order: ReportOrder,
        now: datetime,
        *,
        by: str,
        paper: Paper = Paper.A4,
        again: bool = False,
        send: bool = False,
        to: Sequence[str] = (),
    ) -> ArchivedReport:
        """Order a report: made if it is not there, `again` if that is asked for, or if its period was not over then.

        With `send` it goes to whoever subscribes to such reports once it is there, and to the addresses `to` as well.
        """
        _check(order, now)
        recipients = read_recipients(to, "to")
        if recipients or send:
            need_mail(can_mail=self._can_mail)
        with self._database.begin() as connection:
            _check_account(connection, order)
            ordered = order_report(connection, order, now=self._real_time(), by=by, paper=paper, again=again)
            if send:
                subscribed = subscriptions_store.audience(connection, order.kind, order.scope)
                recipients = tuple(dict.fromkeys((*recipients, *subscribed)))
            if recipients:
                self._send(connection, ordered, recipients, paper=paper, by=by)
        self._enqueue()
        return ordered

    def page(
        self, *, kind: Kind | None, service: str | None, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[ArchivedReport]:
        """Return the last revisions of reports, the last to be ordered first."""
        with self._database.begin() as connection:
            return archive_store.page(connection, kind=kind, service=service, after=after, limit=limit)

    def get(self, report_id: str) -> ArchivedReport:
        """Return how the last revision of a report stands."""
        with self._database.begin() as connection:
            return _found(archive_store.latest(connection, report_id))

    def file(self, report_id: str, name: str) -> ReportFile:
        """Return a file of the last revision that was made."""
        with self._database.begin() as connection:
            found = archive_store.find_file(connection, report_id, name)
            if found is not None:
                return found
            latest = _found(archive_store.latest(connection, report_id))
        if latest.state is State.FAILED:
            raise Problem(ProblemType.CONFLICT, f"The report could not be made: {latest.reason}")
        if latest.unfinished:
            raise Problem(ProblemType.CONFLICT, f"The report is being made ({latest.step or latest.state}).")
        raise Problem(ProblemType.NOT_FOUND, f"The report was not made in this format. {latest.reason}".strip())

    def model(self, report_id: str) -> Report:
        """Return what the last revision that was made says."""
        return decode_model(self.file(report_id, MODEL).content)

    def told(self, reports: Sequence[ArchivedReport]) -> dict[str, Told]:
        """Return what those of some reports that are ready say in short, by their ids."""
        ready = [(each.report_id, each.revision) for each in reports if each.state is State.READY]
        if not ready:
            return {}
        with self._database.begin() as connection:
            found = archive_store.find_files(connection, ready, MODEL)
        return {report_id: decode_told(content) for report_id, content in found.items()}

    def served(self, report_id: str) -> tuple[ArchivedReport, frozenset[str]] | None:
        """Return the revision that is given out with the names of its files; None when none was made yet."""
        with self._database.begin() as connection:
            found = archive_store.served(connection, report_id)
            return None if found is None else (found, frozenset(archive_store.file_names(connection, found)))

    def compare(self, report_id: str, other_id: str) -> Comparison:
        """Compare a report with another one: what has changed from the other to it."""
        return compare(self.model(other_id), self.model(report_id))

    def send(self, report_id: str, to: Sequence[str], *, by: str, paper: Paper = Paper.A4) -> ArchivedReport:
        """Send a report to addresses: at once when it is there, or once it is."""
        recipients = read_recipients(to, "to")
        need_mail(can_mail=self._can_mail)
        with self._database.begin() as connection:
            latest = _found(archive_store.latest(connection, report_id, lock=True))
            if latest.state is State.FAILED:
                raise Problem(ProblemType.CONFLICT, f"The report could not be made: {latest.reason}")
            if paper not in latest.papers:
                archive_store.want_paper(connection, latest, paper)
                latest = _found(archive_store.latest(connection, report_id))
            self._send(connection, latest, recipients, paper=paper, by=by)
        self._enqueue()
        return latest

    def _send(
        self, connection: Connection, report: ArchivedReport, recipients: tuple[str, ...], *, paper: Paper, by: str
    ) -> None:
        now = self._real_time()
        send = Send(
            send_id=f"snd_{secrets.token_hex(10)}",
            report_id=report.report_id,
            recipients=recipients,
            paper=paper,
            requested_by=by,
            created_at=now,
        )
        delivery_store.add(connection, send)
        if report.state is State.READY:
            self._delivery.write(connection, report, now)


def order_report(
    connection: Connection, order: ReportOrder, *, now: datetime, by: str, paper: Paper, again: bool = False
) -> ArchivedReport:
    """Put an order in within the caller's transaction, unless it is in, or the report is there."""
    latest = archive_store.latest(connection, order.report_id, lock=True)
    if latest is None or (not latest.unfinished and (again or not latest.complete)):
        revision = 1 if latest is None else latest.revision + 1
        archive_store.add(connection, order, revision=revision, paper=paper, by=by, now=now)
        latest = _found(archive_store.latest(connection, order.report_id, lock=True))
    if paper not in latest.papers:
        archive_store.want_paper(connection, latest, paper)
        latest = _found(archive_store.latest(connection, order.report_id))
    return latest


def _found(report: ArchivedReport | None) -> ArchivedReport:
    if report is None:
        raise Problem(ProblemType.NOT_FOUND, _NONE)
    return report


def _check(order: ReportOrder, now: datetime) -> None:
    try:
        check_scope(order.scope)
        begun = order.span.start <= now
    except UnknownZoneError as error:
        raise _invalid("timezone", str(error)) from None
    except UnknownScopeError as error:
        raise _invalid("account_id", str(error)) from None
    except (UnknownPeriodError, OverflowError) as error:
        raise _invalid("period", str(error)) from None
    if not begun:
        raise _invalid("period", f"{order.period} has not begun")


def _check_account(connection: Connection, order: ReportOrder) -> None:
    try:
        check_account(connection, order.scope)
    except UnknownScopeError as error:
        raise _invalid("account_id", str(error)) from None


def _invalid(field: str, detail: str) -> Problem:
    return Problem(ProblemType.INVALID_REQUEST, "The order is not valid.", (FieldError(detail, field=field),))
