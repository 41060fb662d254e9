"""The archive of reports, who gets them regularly, and what is to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

if TYPE_CHECKING:
    from datetime import datetime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = ("reports", "report_files", "report_subscriptions", "report_sends")


def upgrade() -> None:
    _create_reports()
    _create_files()
    _create_subscriptions()
    _create_sends()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _text(name: str, *, null: bool = False, comment: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=null, comment=comment)


def _texts(name: str, comment: str | None = None) -> sa.Column[list[str]]:
    return sa.Column(name, pg.ARRAY(sa.Text()), nullable=False, comment=comment)


def _instant(name: str, *, null: bool = False, comment: str | None = None) -> sa.Column[datetime]:
    return sa.Column(name, pg.TIMESTAMP(timezone=True), nullable=null, comment=comment)


def _create_reports() -> None:
    op.create_table(
        "reports",
        _text("report_id", comment="follows from kind, period, time zone and scope"),
        sa.Column("revision", sa.Integer(), nullable=False, comment="counts up from 1 when it is made again"),
        _text("kind"),
        _text("period"),
        _text("timezone"),
        _text("service", null=True),
        _text("account_id", null=True),
        _text("tier", null=True),
        _texts("papers", "papers that a PDF is wanted on"),
        _text("state"),
        _text("step", comment="what is being done, for people who wait"),
        _text("reason", comment="why it failed, or what it lacks"),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="how often it was begun"),
        _text("requested_by"),
        _instant("ordered_at"),
        _instant("generated_at", null=True),
        sa.Column("complete", sa.Boolean(), nullable=True, comment="whether its period was over when it was made"),
        _instant("queued_until", null=True, comment="until then a task for it is taken to be in the queue"),
        _text("claimed_by", null=True, comment="the task that is at it"),
        _instant("claimed_until", null=True),
        sa.CheckConstraint("kind IN ('weekly', 'monthly')", name=op.f("ck_reports_kind")),
        sa.CheckConstraint("state IN ('queued', 'running', 'ready', 'failed')", name=op.f("ck_reports_state")),
        sa.PrimaryKeyConstraint("report_id", "revision", name=op.f("pk_reports")),
    )
    unfinished = sa.text("state IN ('queued', 'running')")
    op.create_index("ix_reports_unfinished", "reports", ["report_id"], unique=True, postgresql_where=unfinished)
    op.create_index(op.f("ix_reports_ordered_at_report_id"), "reports", ["ordered_at", "report_id"])


def _create_files() -> None:
    op.create_table(
        "report_files",
        _text("report_id"),
        sa.Column("revision", sa.Integer(), nullable=False),
        _text("name", comment="model, html, pdf-a4, pdf-letter, csv, json, mail"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("deflated", sa.Boolean(), nullable=False, comment="the content is in zlib's format (RFC 1950)"),
        sa.Column("size", sa.Integer(), nullable=False, comment="bytes before compression"),
        _text("digest", comment="SHA-256 of the bytes before compression"),
        sa.ForeignKeyConstraint(
            ["report_id", "revision"],
            ["reports.report_id", "reports.revision"],
            name=op.f("fk_report_files"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("report_id", "revision", "name", name=op.f("pk_report_files")),
        comment="what a report is made of, and what it was rendered into: in PostgreSQL, which all nodes share",
    )


def _create_subscriptions() -> None:
    op.create_table(
        "report_subscriptions",
        _text("subscription_id"),
        _text("kind"),
        _text("service", null=True),
        _text("account_id", null=True),
        _text("tier", null=True),
        _texts("audience", "mail addresses; of nobody it is for the archive"),
        _text("timezone"),
        sa.Column(
            "hour",
            sa.SmallInteger(),
            nullable=False,
            comment="of the day after the period, by that time zone's clocks",
        ),
        _text("paper"),
        _text("author"),
        _instant("created_at"),
        _text("next_period", comment="the first one whose report was not ordered yet"),
        _instant("due_at", comment="when that report is due"),
        _instant("removed_at", null=True),
        sa.CheckConstraint("kind IN ('weekly', 'monthly')", name=op.f("ck_report_subscriptions_kind")),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name=op.f("ck_report_subscriptions_hour")),
        sa.PrimaryKeyConstraint("subscription_id", name=op.f("pk_report_subscriptions")),
    )
    op.create_index(
        "ix_report_subscriptions_due_at",
        "report_subscriptions",
        ["due_at"],
        postgresql_where=sa.text("removed_at IS NULL"),
    )


def _create_sends() -> None:
    op.create_table(
        "report_sends",
        _text("send_id", comment="the beginning of its messages' Message-IDs"),
        _text("report_id"),
        _text("subscription_id", null=True),
        _text("period", null=True, comment="of a subscription"),
        _texts("recipients"),
        _text("paper"),
        _text("requested_by"),
        _instant("created_at"),
        _instant("written_at", null=True, comment="when its messages went into the outbox: once the report was there"),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["report_subscriptions.subscription_id"],
            name=op.f("fk_report_sends_subscription_id"),
        ),
        sa.PrimaryKeyConstraint("send_id", name=op.f("pk_report_sends")),
        comment="intents to send, one for each subscription and period, and one for each `send me now`",
    )
    op.create_index(
        op.f("ix_report_sends_subscription_id_period"), "report_sends", ["subscription_id", "period"], unique=True
    )
    op.create_index(
        "ix_report_sends_unwritten", "report_sends", ["report_id"], postgresql_where=sa.text("written_at IS NULL")
    )
