"""What SLOs are made of: definitions and maintenance, counts of rules and outcomes, request minutes added up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

if TYPE_CHECKING:
    from datetime import datetime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = (
    "request_rollups",
    "account_request_rollups",
    "rollup_progress",
    "restatements",
    "counting_rules",
    "rule_counts",
    "accepted_minutes",
    "outcome_minutes",
    "slo_objects",
    "slo_versions",
    "maintenance_windows",
)
DIMENSIONS = ("service", "width", "bucket", "route", "method", "tier", "status", "reason")


def upgrade() -> None:
    _create_rollups()
    _create_rules()
    _create_outcomes()
    _create_definitions()
    _count_outcomes()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _instant(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[datetime]:
    server_default = None if default is None else sa.text(default)
    return sa.Column(name, pg.TIMESTAMP(timezone=True), nullable=null, server_default=server_default)


def _create_rollups() -> None:
    op.create_table(
        "request_rollups",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("width", sa.SmallInteger(), nullable=False, comment="minutes in the bucket: 15 or 1440"),
        _instant("bucket"),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column(
            "buckets",
            pg.ARRAY(sa.Integer()),
            nullable=False,
            comment="histogram bucket numbers, app.domain.histogram",
        ),
        sa.Column("counts", pg.ARRAY(sa.BigInteger()), nullable=False, comment="requests in each of those buckets"),
        sa.CheckConstraint("width IN (15, 1440)", name=op.f("ck_request_rollups_width")),
        sa.PrimaryKeyConstraint(*DIMENSIONS, name=op.f("pk_request_rollups")),
        comment="request_minutes of all writers, added up once nothing more is expected",
    )
    op.create_table(
        "account_request_rollups",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("width", sa.SmallInteger(), nullable=False, comment="minutes in the bucket: 15 or 1440"),
        _instant("bucket"),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("buckets", pg.ARRAY(sa.Integer()), nullable=False),
        sa.Column("counts", pg.ARRAY(sa.BigInteger()), nullable=False),
        sa.CheckConstraint("width IN (15, 1440)", name=op.f("ck_account_request_rollups_width")),
        sa.PrimaryKeyConstraint("account_id", *DIMENSIONS, name=op.f("pk_account_request_rollups")),
    )
    op.create_table(
        "rollup_progress",
        sa.Column("name", sa.Text(), nullable=False, comment="requests"),
        _instant("quarters_until", null=True),
        _instant("days_until", null=True),
        sa.Column(
            "seen_xid", sa.BigInteger(), nullable=False, comment="restatements of older transactions are added up"
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rollup_progress")),
        comment="up to where minutes are added up; beyond it only the minutes themselves are right",
    )
    op.create_table(
        "restatements",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False, comment="the transaction that restated"),
        sa.Column("source", sa.Text(), nullable=False, comment="requests, rollups, events, ingestion"),
        sa.Column("scope", sa.Text(), nullable=False, comment="a service or a rule; empty for all"),
        _instant("first_minute"),
        _instant("last_minute"),
        _instant("at", default="now()"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restatements")),
        comment="minutes written to after they were thought to be over, for whoever remembers sums; kept for an hour",
    )
    op.create_index(op.f("ix_restatements_xid"), "restatements", ["xid"])


def _create_rules() -> None:
    op.create_table(
        "counting_rules",
        sa.Column(
            "rule_id", sa.Text(), nullable=False, comment="SHA-256 of what it counts, so that equal rules are one"
        ),
        sa.Column(
            "filters", pg.JSONB(), nullable=False, comment="total, and good or bad, as in an OpenSLO metricSource"
        ),
        sa.Column(
            "position_account",
            sa.Text(),
            nullable=False,
            comment="events up to this key are counted as they are stored;",
        ),
        sa.Column(
            "position_event",
            sa.Text(),
            nullable=False,
            comment="those behind it by the backfill, when it gets there",
        ),
        _instant("created_at"),
        _instant("moved_at", null=True),
        _instant("backfilled_at", null=True),
        sa.PrimaryKeyConstraint("rule_id", name=op.f("pk_counting_rules")),
    )
    op.create_table(
        "rule_counts",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("width", sa.SmallInteger(), nullable=False, comment="minutes in the bucket: 1, 15 or 1440"),
        _instant("bucket"),
        sa.Column("good", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("width IN (1, 15, 1440)", name=op.f("ck_rule_counts_width")),
        sa.CheckConstraint("good BETWEEN 0 AND total", name=op.f("ck_rule_counts_counts")),
        sa.PrimaryKeyConstraint("account_id", "rule_id", "width", "bucket", name=op.f("pk_rule_counts")),
        comment="by the event's own time, buckets in UTC",
    )
    op.create_index(op.f("ix_rule_counts_rule_id_width_bucket"), "rule_counts", ["rule_id", "width", "bucket"])


def _create_outcomes() -> None:
    op.create_table(
        "accepted_minutes",
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        _instant("minute"),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "minute", name=op.f("pk_accepted_minutes")),
        comment="events accepted, as admission counts them in Valkey",
    )
    op.create_table(
        "outcome_minutes",
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        _instant("minute"),
        sa.Column("outcome", sa.Text(), nullable=False, comment="stored, duplicate or dead"),
        sa.Column(
            "delay_s",
            sa.Integer(),
            nullable=False,
            comment="seconds from the 202 until stored, rounded up; -1: dead, or replayed, which is never in time",
        ),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "minute", "outcome", "delay_s", name=op.f("pk_outcome_minutes")),
        comment="batch_outcomes by the minute of the 202",
    )


def _create_definitions() -> None:
    op.create_table(
        "slo_objects",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "document",
            sa.Text(),
            nullable=False,
            comment="the OpenSLO object as JSON, references as they were written",
        ),
        _instant("updated_at"),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("pk_slo_objects")),
        comment="what was applied last, for references to look up",
    )
    op.create_table(
        "slo_versions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="counts up from 1"),
        _instant("effective_from"),
        sa.Column("applied_by", sa.Text(), nullable=False),
        sa.Column(
            "document",
            sa.Text(),
            nullable=True,
            comment="the SLO as JSON with every reference replaced; null when it was removed",
        ),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_slo_versions")),
        comment="every SLO as it was at any time: an old report keeps its old target",
    )
    op.create_table(
        "maintenance_windows",
        sa.Column("maintenance_id", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=True, comment="null is every service"),
        _instant("starts_at"),
        _instant("ends_at"),
        sa.Column("rrule", sa.Text(), nullable=True, comment="RFC 5545 without DTSTART; null is once"),
        sa.Column("timezone", sa.Text(), nullable=False, comment="in whose wall-clock time it recurs"),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _instant("created_at"),
        _instant("removed_at", null=True),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_maintenance_windows_order")),
        sa.PrimaryKeyConstraint("maintenance_id", name=op.f("pk_maintenance_windows")),
        comment="time that is excluded from budgets; a removed one stays, for whoever asks what was excluded when",
    )


def _count_outcomes() -> None:
    """Count the outcomes that are there already; a batch's id begins with its shard."""
    op.execute(
        """
        INSERT INTO outcome_minutes (shard, minute, outcome, delay_s, events)
        SELECT left(batch_id, 2)::smallint, date_trunc('minute', received_at), kind.outcome,
               CASE WHEN kind.timely THEN ceil(extract(epoch FROM stored_at - received_at))::integer ELSE -1 END,
               sum(kind.events)
          FROM batch_outcomes CROSS JOIN LATERAL (VALUES
            ('stored', true, stored - least(revived, stored)),
            ('stored', false, least(revived, stored)),
            ('duplicate', true, duplicates - greatest(revived - stored, 0)),
            ('duplicate', false, greatest(revived - stored, 0)),
            ('dead', false, dead)) AS kind (outcome, timely, events)
         WHERE kind.events > 0
         GROUP BY 1, 2, 3, 4
        """
    )
