"""The tables of notifications, alerts and incidents. Their owners are `app.core.notify` and `reporting.alerts`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.core.schema import instant, metadata

notifications = Table(
    "notifications",
    metadata,
    Column("notification_id", Text, primary_key=True, comment="also its Message-ID and webhook-id"),
    Column("number", BigInteger, Identity(), nullable=False, comment="the order in which they were written"),
    Column("subject", Text, nullable=False, comment="what it is about; of one subject they are delivered in order"),
    Column("payload", JSONB, nullable=False, comment="app.core.notify.notification"),
    instant("created_at"),
    instant("next_at", comment="when to try next"),
    instant("queued_until", null=True, comment="until then a task for it is taken to be in the queue"),
    Column("claimed_by", Text, comment="the task that is at it"),
    instant("claimed_until", null=True),
    instant("finished_at", null=True, comment="when everybody was told, or given up"),
    Index("ix_notifications_unfinished", "subject", "number", postgresql_where=text("finished_at IS NULL")),
    Index("ix_notifications_finished_at", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    comment="the outbox: written in the transaction of what it tells",
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("notification_id", Text, ForeignKey("notifications.notification_id", ondelete="CASCADE"), primary_key=True),
    Column("target", Text, primary_key=True, comment="its label and a digest; the address is in the settings alone"),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("refused", Boolean, nullable=False, comment="the last try was refused for good, as it looks"),
    Column("reason", Text, nullable=False, comment="of the last failure; no secrets"),
    instant("next_at"),
    instant("delivered_at", null=True),
    CheckConstraint("state IN ('pending', 'delivered', 'expired')", name="state"),
    comment="what became of a notification with each target that was tried",
)
