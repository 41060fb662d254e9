"""Events in hash partitions, their rollups, the outcomes of batches, answers to repeat, dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

if TYPE_CHECKING:
    from datetime import datetime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PARTITIONS = 16
TABLES = ("events", "event_rollups", "batch_outcomes", "idempotency_keys", "dead_letters")


def upgrade() -> None:
    _create_events()
    _create_event_rollups()
    _create_batch_outcomes()
    _create_idempotency_keys()
    _create_dead_letters()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _instant(name: str) -> sa.Column[datetime]:
    return sa.Column(name, pg.TIMESTAMP(timezone=True), nullable=False)


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        _instant("occurred_at"),
        _instant("received_at"),
        sa.Column("payload", pg.JSONB(), nullable=True),
        sa.Column(
            "envelope",
            pg.JSONB(),
            nullable=True,
            comment="CloudEvents attributes: source, id, subject, …; null for a native event",
        ),
        sa.PrimaryKeyConstraint("account_id", "event_id", name=op.f("pk_events")),
        postgresql_partition_by="HASH (account_id)",
    )
    for number in range(PARTITIONS):
        op.execute(
            f"CREATE TABLE events_p{number:02d} PARTITION OF events "
            f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
        )
    op.create_index(op.f("ix_events_received_at"), "events", ["received_at"], postgresql_using="brin")


def _create_event_rollups() -> None:
    op.create_table(
        "event_rollups",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("width", sa.SmallInteger(), nullable=False, comment="minutes in the bucket: 1, 60 or 1440"),
        _instant("bucket"),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        _instant("first_at"),
        _instant("last_at"),
        sa.CheckConstraint("width IN (1, 60, 1440)", name=op.f("ck_event_rollups_width")),
        sa.PrimaryKeyConstraint("account_id", "width", "bucket", "type", name=op.f("pk_event_rollups")),
        comment="counts by the event's own time, buckets in UTC",
    )


def _create_batch_outcomes() -> None:
    op.create_table(
        "batch_outcomes",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        _instant("received_at"),
        _instant("stored_at"),
        sa.Column("stored", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("dead", sa.Integer(), nullable=False),
        sa.Column(
            "revived",
            sa.Integer(),
            nullable=False,
            server_default=sa.text("0"),
            comment="of stored and duplicates: replayed dead letters, never fresh",
        ),
        sa.CheckConstraint(
            "stored >= 0 AND duplicates >= 0 AND dead >= 0 AND revived BETWEEN 0 AND stored + duplicates",
            name=op.f("ck_batch_outcomes_counts"),
        ),
        sa.PrimaryKeyConstraint("account_id", "batch_id", name=op.f("pk_batch_outcomes")),
        comment="one row a batch, written with its events; accepted = stored + duplicates + dead",
    )
    op.create_index(op.f("ix_batch_outcomes_received_at"), "batch_outcomes", ["received_at"], postgresql_using="brin")


def _create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("key_digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the Idempotency-Key"),
        sa.Column(
            "body_digest",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of the request's body after decompression",
        ),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        _instant("received_at"),
        sa.PrimaryKeyConstraint("account_id", "key_digest", name=op.f("pk_idempotency_keys")),
        comment="answers to repeat for 24 hours, moved here from Valkey with the outcome of their batch",
    )
    op.create_index(
        op.f("ix_idempotency_keys_received_at"), "idempotency_keys", ["received_at"], postgresql_using="brin"
    )


def _create_dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column(
            "position",
            sa.Integer(),
            nullable=False,
            comment="index in the batch; -1 for a batch that cannot be read",
        ),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False, comment="a slug: refused-by-store, kept-failing, unreadable"),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column(
            "body",
            sa.LargeBinary(),
            nullable=False,
            comment="the event as it was sent, as bytes: jsonb may refuse it",
        ),
        _instant("received_at"),
        _instant("died_at"),
        sa.PrimaryKeyConstraint("account_id", "batch_id", "position", name=op.f("pk_dead_letters")),
    )
    op.create_index(op.f("ix_dead_letters_died_at"), "dead_letters", ["died_at"])
    op.create_index(op.f("ix_dead_letters_batch_id"), "dead_letters", ["batch_id"])
