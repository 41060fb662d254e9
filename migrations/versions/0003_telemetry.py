"""Request telemetry: counts a minute, the same sparsely per account, and single failures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_request_minutes()
    _create_account_request_minutes()
    _create_failed_requests()


def downgrade() -> None:
    op.drop_table("failed_requests")
    op.drop_table("account_request_minutes")
    op.drop_table("request_minutes")


DIMENSIONS = ("service", "minute", "route", "method", "tier", "status", "reason", "writer")


def _create_request_minutes() -> None:
    op.create_table(
        "request_minutes",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("minute", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "writer",
            sa.Text(),
            nullable=False,
            comment="the process that counted; its rows are cumulative and its own",
        ),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column(
            "buckets",
            pg.ARRAY(sa.Integer()),
            nullable=False,
            comment="histogram bucket numbers, app.domain.histogram",
        ),
        sa.Column("counts", pg.ARRAY(sa.BigInteger()), nullable=False, comment="requests in each of those buckets"),
        sa.PrimaryKeyConstraint(*DIMENSIONS, name=op.f("pk_request_minutes")),
    )


def _create_account_request_minutes() -> None:
    op.create_table(
        "account_request_minutes",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("minute", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("writer", sa.Text(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("buckets", pg.ARRAY(sa.Integer()), nullable=False),
        sa.Column("counts", pg.ARRAY(sa.BigInteger()), nullable=False),
        sa.PrimaryKeyConstraint("account_id", *DIMENSIONS, name=op.f("pk_account_request_minutes")),
    )


def _create_failed_requests() -> None:
    op.create_table(
        "failed_requests",
        sa.Column("writer", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="counts up in its writer"),
        sa.Column("at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("duration_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("writer", "number", name=op.f("pk_failed_requests")),
        comment="single failures (5xx), capped a minute and writer, for people who look for the cause",
    )
    op.create_index(op.f("ix_failed_requests_at"), "failed_requests", ["at"])
