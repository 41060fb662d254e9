"""Makes a report that was ordered: once, whichever workers try, and however often they are killed.

1. Claim it; another task that is at it keeps its claim, and one that was interrupted goes on with its own.
2. Compile it, and keep what that gave: whoever goes on after a crash computes nothing twice.
3. Render what is missing of it, on every paper it is wanted on.
4. Say that it is ready, and put what is to be sent of it into the outbox, in one transaction.

What fails is tried again by the queue, a few times; then the report is failed, with the reason, and the operator is told.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from app.core.errors import DependencyError
from app.core.failpoints import failpoint
from app.core.notify import outbox_store
from app.core.notify.notification import Notification
from app.core.notify.urgency import Urgency
from reporting.reports import archive_store
from reporting.reports.archive import (
    MODEL,
    Format,
    ReportError,
    State,
    decode_model,
    encode_model,
    file_name,
)
from reporting.reports.schedule import SETTLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database
    from reporting.reports.archive import ArchivedReport, Compile, Render
    from reporting.reports.delivery import ReportDelivery
    from reporting.reports.model import Report

CLAIMED_FOR = timedelta(minutes=5)
"""Longer than any one step, each of which has its own limit on time."""
MOST_TRIES = 4
TRIES_FOR_ALL = 2
"""Tries after which a report is ready without a format that cannot be made: a busy machine may have been too slow once."""
_LONGEST_REASON = 500
_PLATFORM = "slipstream"

log = structlog.get_logger(__name__)


class ReportMaking:
    """Thread-safe. `clock` is what requests are counted by, `real_time` that of claims and the outbox."""

    def __init__(
        self,
        database: Database,
        compile_report: Compile,
        render: Render,
        delivery: ReportDelivery,
        *,
        clock: Callable[[], datetime],
        real_time: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._compile = compile_report
        self._render = render
        self._delivery = delivery
        self._clock = clock
        self._real_time = real_time

    def make(self, report_id: str, revision: int, *, by: str) -> None:
        """Make a revision; `by` names this run, and is the same when it is repeated.

        Raises `DependencyError`, and whatever went wrong while there are tries left.
        """
        while self._try(report_id, revision, by=by):
            log.info("report_wanted_on_another_paper", report_id=report_id, revision=revision)

    def _try(self, report_id: str, revision: int, *, by: str) -> bool:
        """Try once; return whether there is more to make by now."""
        now = self._real_time()
        with self._database.begin() as connection:
            report = archive_store.claim(connection, report_id, revision, by=by, now=now, until=now + CLAIMED_FOR)
        if report is None:
            return False
        failpoint("reports.claimed")
        if report.attempts > MOST_TRIES:
            self._give_up(report, f"It was begun {MOST_TRIES} times and never came to an end.", by=by)
            return False
        try:
            return not self._make(report, by=by)
        except DependencyError:
            self._let_go(report, "Something that it needs is away.", by=by)
            raise
        except Exception as error:
            reason = (
                str(error)[:_LONGEST_REASON] if isinstance(error, ReportError) else "A mistake of ours; see the log."
            )
            log.exception("report_failed", report_id=report_id, revision=revision, attempts=report.attempts)
            if report.attempts >= MOST_TRIES:
                self._give_up(report, reason, by=by)
                return False
            self._let_go(report, reason, by=by)
            raise

    def _make(self, report: ArchivedReport, *, by: str) -> bool:
        """Make all that was wanted; False when it is wanted on another paper by now, or another task has taken over."""
        self._step(report, "compiling", by=by)
        model, lacking = self._model(report), dict[Format, str]()
        with self._database.begin() as connection:
            there = archive_store.file_names(connection, report)
        for paper in report.papers:
            missing = [kind for kind in Format if file_name(kind, paper) not in there]
            if not missing:
                continue
            self._step(report, "rendering", by=by)
            rendered = self._render(model, missing, paper)
            lacking |= rendered.missing
            files = [(file_name(kind, paper), content) for kind, content in rendered.files.items()]
            there |= {name for name, _ in files}
            with self._database.begin() as connection:
                archive_store.save_files(connection, report, files)
            failpoint("reports.rendered")
        if lacking and report.attempts < TRIES_FOR_ALL:
            raise ReportError(_lacks(lacking))
        with self._database.begin() as connection:
            now = self._real_time()
            complete = _settled(model)
            reason = _lacks(lacking)
            if not archive_store.finish(
                connection, report, by=by, now=now, complete=complete, reason=reason[:_LONGEST_REASON]
            ):
                archive_store.end_try(connection, report, by=by, state=State.QUEUED, reason="")
                return False
            self._delivery.write(connection, report, now)
            failpoint("reports.finishing")
        log.info("report_ready", report_id=report.report_id, revision=report.revision)
        return True

    def _model(self, report: ArchivedReport) -> Report:
        with self._database.begin() as connection:
            kept = archive_store.find_file(connection, report.report_id, MODEL, report.revision)
            first = archive_store.find_first(connection, report.report_id, MODEL)
        if kept is not None:
            return decode_model(kept.content)
        earlier = None if first is None else decode_model(first.content)
        model = self._compile(report.order, self._clock(), earlier)
        with self._database.begin() as connection:
            archive_store.save_files(connection, report, [(MODEL, encode_model(model))])
        failpoint("reports.compiled")
        return model

    def _step(self, report: ArchivedReport, step: str, *, by: str) -> None:
        with self._database.begin() as connection:
            archive_store.note_step(connection, report, step, by=by, until=self._real_time() + CLAIMED_FOR)

    def _let_go(self, report: ArchivedReport, reason: str, *, by: str) -> None:
        try:
            with self._database.begin() as connection:
                archive_store.end_try(connection, report, by=by, state=State.QUEUED, reason=reason)
        except DependencyError:
            log.info("report_claim_kept", report_id=report.report_id)  # It ends by itself.

    def _give_up(self, report: ArchivedReport, reason: str, *, by: str) -> None:
        with self._database.begin() as connection:
            if archive_store.end_try(connection, report, by=by, state=State.FAILED, reason=reason):
                self._tell(connection, report, reason)

    def _tell(self, connection: Connection, report: ArchivedReport, reason: str) -> None:
        order, now = report.order, self._real_time()
        name = f"{report.report_id}.{report.revision}.failed"
        about = f"The {order.kind} report of {order.scope.service or 'all services'} for {order.period}"
        notification = Notification(
            id=name,
            subject=name,
            urgency=Urgency.TICKET,
            service=order.scope.service or _PLATFORM,
            event="report.failed",
            title=f"{about} could not be made",
            text=f"{reason}\n\nOrder it again when that is mended: it keeps its id, {report.report_id}.",
            at=now,
            data={"report_id": report.report_id, "revision": report.revision, "reason": reason},
        )
        outbox_store.add(connection, [notification], now)


def _settled(model: Report) -> bool:
    """Say whether all of a period is in: its last minute counts whole before it is over, and the last requests come later."""
    return model.period.complete and model.generated_at >= model.period.end + SETTLES


def _lacks(missing: Mapping[Format, str]) -> str:
    return " ".join(f"It was made without {kind.upper()}: {why}." for kind, why in missing.items())
