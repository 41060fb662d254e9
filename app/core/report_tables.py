"""The tables of reports. Their owner is `reporting.reports`."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.core.schema import instant, metadata

UNFINISHED = "state IN ('queued', 'running')"

reports = Table(
    "reports",
    metadata,
    Column("report_id", Text, primary_key=True, comment="follows from kind, period, time zone and scope"),
    Column("revision", Integer, primary_key=True, comment="counts up from 1 when it is made again"),
    Column("kind", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("service", Text),
    Column("account_id", Text),
    Column("tier", Text),
    Column("papers", ARRAY(Text), nullable=False, comment="papers that a PDF is wanted on"),
    Column("state", Text, nullable=False),
    Column("step", Text, nullable=False, comment="what is being done, for people who wait"),
    Column("reason", Text, nullable=False, comment="why it failed, or what it lacks"),
    Column("attempts", Integer, nullable=False, comment="how often it was begun"),
    Column("requested_by", Text, nullable=False),
    instant("ordered_at"),
    instant("generated_at", null=True),
    Column("complete", Boolean, comment="whether its period was over when it was made"),
    instant("queued_until", null=True, comment="until then a task for it is taken to be in the queue"),
    Column("claimed_by", Text, comment="the task that is at it"),
    instant("claimed_until", null=True),
    CheckConstraint("kind IN ('weekly', 'monthly')", name="kind"),
    CheckConstraint("state IN ('queued', 'running', 'ready', 'failed')", name="state"),
    Index("ix_reports_unfinished", "report_id", unique=True, postgresql_where=text(UNFINISHED)),
    Index(None, "ordered_at", "report_id"),
)

report_files = Table(
    "report_files",
    metadata,
    Column("report_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("name", Text, primary_key=True, comment="model, html, pdf-a4, pdf-letter, csv, json, mail"),
    Column("content", LargeBinary, nullable=False),
    Column("deflated", Boolean, nullable=False, comment="the content is in zlib's format (RFC 1950)"),
    Column("size", Integer, nullable=False, comment="bytes before compression"),
    Column("digest", Text, nullable=False, comment="SHA-256 of the bytes before compression"),
    ForeignKeyConstraint(
        ["report_id", "revision"], ["reports.report_id", "reports.revision"], ondelete="CASCADE", name="fk_report_files"
    ),
    comment="what a report is made of, and what it was rendered into: in PostgreSQL, which all nodes share",
)

report_subscriptions = Table(
    "report_subscriptions",
    metadata,
    Column("subscription_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("service", Text),
    Column("account_id", Text),
    Column("tier", Text),
    Column("audience", ARRAY(Text), nullable=False, comment="mail addresses; of nobody it is for the archive"),
    Column("timezone", Text, nullable=False),
    Column("hour", SmallInteger, nullable=False, comment="of the day after the period, by that time zone's clocks"),
    Column("paper", Text, nullable=False),
    Column("author", Text, nullable=False),
    instant("created_at"),
    Column("next_period", Text, nullable=False, comment="the first one whose report was not ordered yet"),
    instant("due_at", comment="when that report is due"),
    instant("removed_at", null=True),
    CheckConstraint("kind IN ('weekly', 'monthly')", name="kind"),
    CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),
    Index("ix_report_subscriptions_due_at", "due_at", postgresql_where=text("removed_at IS NULL")),
)

report_sends = Table(
    "report_sends",
    metadata,
    Column("send_id", Text, primary_key=True, comment="the beginning of its messages' Message-IDs"),
    Column("report_id", Text, nullable=False),
    Column("subscription_id", Text, ForeignKey("report_subscriptions.subscription_id")),
    Column("period", Text, comment="of a subscription"),
    Column("recipients", ARRAY(Text), nullable=False),
    Column("paper", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    instant("created_at"),
    instant("written_at", null=True, comment="when its messages went into the outbox: once the report was there"),
    Index(None, "subscription_id", "period", unique=True),
    Index("ix_report_sends_unwritten", "report_id", postgresql_where=text("written_at IS NULL")),
    comment="intents to send, one for each subscription and period, and one for each `send me now`",
)
