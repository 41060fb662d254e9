"""What limits have to tell: notices of quotas, and changes of circuit breakers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("notices", "circuit_changes")


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False, comment="a UTC day, 2026-11-22, or month, 2026-11"),
        sa.Column("threshold", sa.SmallInteger(), nullable=False, comment="per cent of the quota: 80 or 100"),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("quota", sa.BigInteger(), nullable=False),
        sa.Column("noticed_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("delivered_at", pg.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "period", "threshold", name=op.f("pk_notices")),
        comment="what accounts and operators are told of quotas, once a period and threshold",
    )
    op.create_index(
        "ix_notices_undelivered", "notices", ["noticed_at"], postgresql_where=sa.text("delivered_at IS NULL")
    )
    op.create_table(
        "circuit_changes",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("change_id", sa.Text(), nullable=False, comment="shard and id in its journal"),
        sa.Column("changed_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column(
            "cause",
            sa.Text(),
            nullable=False,
            comment="a problem's slug, dead-events, admitted, waited, or by <key id>",
        ),
        sa.PrimaryKeyConstraint("account_id", "change_id", name=op.f("pk_circuit_changes")),
        comment="circuit breakers of accounts that opened, closed, or began to ask",
    )
    op.create_index(op.f("ix_circuit_changes_account_id_changed_at"), "circuit_changes", ["account_id", "changed_at"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
