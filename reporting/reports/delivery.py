"""Sends reports by mail: what is intended becomes a message for each recipient in the outbox, once the report is there.

An intent is written down once, whoever runs how often; its messages go into the outbox in the transaction that takes note
of it, and from there at least once to the server, always with the same Message-ID.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from app.core.notify import outbox_store
from app.core.notify.notification import LETTERS, Enclosure, Letter, Notification
from app.core.notify.urgency import Urgency
from reporting.reports import archive_store, delivery_store
from reporting.reports.archive import MODEL, Format, decode_model, download_name, file_name
from reporting.reports.delivery_text import subject_of, text_of

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database
    from reporting.reports.archive import ArchivedReport
    from reporting.reports.delivery_store import Send
    from reporting.reports.model import Report
    from reporting.reports.subscription_links import SubscriptionLinks

EVENT = "report.ready"
_PLATFORM = "slipstream"
_ATTACHED = ((Format.PDF, "application/pdf"), (Format.HTML, "text/html"))
"""What is attached: the first of these that the report has."""


class ReportDelivery:
    """Thread-safe. `pages` is where reports have their pages on the web."""

    def __init__(self, links: SubscriptionLinks, pages: str) -> None:
        self._links = links
        self._pages = pages

    def write(self, connection: Connection, archived: ArchivedReport, now: datetime) -> int:
        """Put what is to be sent of a report that is there into the outbox; return how many messages that are.

        The caller has locked the report, so that no intent is written down behind its back. `now` is real time.
        """
        sends = delivery_store.unwritten(connection, archived.report_id)
        sends = [send for send in sends if send.paper in archived.papers]
        if not sends:
            return 0
        model = archive_store.find_file(connection, archived.report_id, MODEL, archived.revision)
        if model is None:
            return 0
        report, names = decode_model(model.content), archive_store.file_names(connection, archived)
        messages = [
            self._message(connection, archived, report, send, names=names, recipient=recipient, now=now)
            for send in sends
            for recipient in send.recipients
        ]
        outbox_store.add(connection, messages, now)
        for send in sends:
            delivery_store.note_written(connection, send.send_id, now)
        return len(messages)

    def _message(
        self,
        connection: Connection,
        archived: ArchivedReport,
        report: Report,
        send: Send,
        *,
        names: set[str],
        recipient: str,
        now: datetime,
    ) -> Notification:
        leave, text = None, text_of(report, f"{self._pages}/{archived.report_id}")
        if send.subscription_id is not None:
            leave = self._links.link(connection, send.subscription_id, recipient, now)
            text += f"\nGet no more of these: {leave}\n"
        body = source_of(archived, Format.MAIL) if Format.MAIL in names else None
        name = f"{send.send_id}.{hashlib.sha256(recipient.encode()).hexdigest()[:10]}"
        return Notification(
            id=name,
            subject=f"{LETTERS}{name}",
            urgency=Urgency.TICKET,
            service=archived.order.scope.service or _PLATFORM,
            event=EVENT,
            title=subject_of(report),
            text=text,
            at=now,
            data={"report_id": archived.report_id, "revision": archived.revision},
            letter=Letter(
                to=recipient, body=body, enclosures=_enclosures(archived, send, names=names), unsubscribe=leave
            ),
        )


def _enclosures(archived: ArchivedReport, send: Send, *, names: set[str]) -> tuple[Enclosure, ...]:
    for kind, content_type in _ATTACHED:
        name = file_name(kind, send.paper)
        if name in names:
            source = source_of(archived, name)
            return (Enclosure(name=download_name(archived.order, kind), content_type=content_type, source=source),)
    return ()


def source_of(archived: ArchivedReport, name: str) -> str:
    """Name a file of a revision, as a letter does."""
    return f"{archived.report_id}/{archived.revision}/{name}"


def read_source(database: Database, source: str) -> bytes | None:
    """Return what `source_of` names; None when it is no longer kept. Raises `DependencyError`."""
    report_id, revision, name = source.split("/")
    with database.begin() as connection:
        found = archive_store.find_file(connection, report_id, name, int(revision))
    return None if found is None else found.content
