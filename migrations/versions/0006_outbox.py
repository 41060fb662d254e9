"""The outbox of notifications, and what became of each with its targets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notifications",
        sa.Column("notification_id", sa.Text(), nullable=False, comment="also its Message-ID and webhook-id"),
        sa.Column(
            "number", sa.BigInteger(), sa.Identity(), nullable=False, comment="the order in which they were written"
        ),
        sa.Column(
            "subject",
            sa.Text(),
            nullable=False,
            comment="what it is about; of one subject they are delivered in order",
        ),
        sa.Column("payload", pg.JSONB(), nullable=False, comment="app.core.notify.notification"),
        sa.Column("created_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("next_at", pg.TIMESTAMP(timezone=True), nullable=False, comment="when to try next"),
        sa.Column(
            "queued_until",
            pg.TIMESTAMP(timezone=True),
            nullable=True,
            comment="until then a task for it is taken to be in the queue",
        ),
        sa.Column("claimed_by", sa.Text(), nullable=True, comment="the task that is at it"),
        sa.Column("claimed_until", pg.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "finished_at", pg.TIMESTAMP(timezone=True), nullable=True, comment="when everybody was told, or given up"
        ),
        sa.PrimaryKeyConstraint("notification_id", name=op.f("pk_notifications")),
        comment="the outbox: written in the transaction of what it tells",
    )
    op.create_index(
        "ix_notifications_unfinished",
        "notifications",
        ["subject", "number"],
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_index(
        "ix_notifications_finished_at",
        "notifications",
        ["finished_at"],
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_table(
        "deliveries",
        sa.Column("notification_id", sa.Text(), nullable=False),
        sa.Column(
            "target",
            sa.Text(),
            nullable=False,
            comment="its label and a digest; the address is in the settings alone",
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False, comment="the last try was refused for good, as it looks"),
        sa.Column("reason", sa.Text(), nullable=False, comment="of the last failure; no secrets"),
        sa.Column("next_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("delivered_at", pg.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'expired')", name=op.f("ck_deliveries_state")),
        sa.ForeignKeyConstraint(
            ["notification_id"],
            ["notifications.notification_id"],
            name=op.f("fk_deliveries_notification_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("notification_id", "target", name=op.f("pk_deliveries")),
        comment="what became of a notification with each target that was tried",
    )


def downgrade() -> None:
    op.drop_table("deliveries")
    op.drop_table("notifications")
