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
    Interval,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

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

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("slo", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column(
        "rule", Text, nullable=False, comment="severity and windows, page-1h-5m, or the name of a budget's threshold"
    ),
    Column("severity", Text, nullable=False),
    Column("state", Text, nullable=False),
    instant("since"),
    instant("breached_at"),
    instant("seen_at"),
    Column("counted", Interval, nullable=False),
    Column("clearing", Boolean, nullable=False),
    Column("notified", Boolean, nullable=False),
    Column("frozen", Boolean, nullable=False),
    Column("current", Boolean, nullable=False, comment="the last one of its SLO and rule"),
    Column("incident_id", Text, ForeignKey("incidents.incident_id")),
    Column("figures", JSONB, nullable=False, comment="what was measured when it was last looked at"),
    Column(
        "targets", ARRAY(Text), nullable=False, server_default="{}", comment="names of the settings; none: by severity"
    ),
    CheckConstraint("state IN ('pending', 'firing', 'acknowledged', 'resolved', 'removed')", name="state"),
    CheckConstraint("severity IN ('page', 'ticket')", name="severity"),
    Index("ix_alerts_current", "slo", "rule", unique=True, postgresql_where=text("current")),
    Index(None, "breached_at", "alert_id"),
    Index(None, "incident_id"),
)

alert_changes = Table(
    "alert_changes",
    metadata,
    Column("alert_id", Text, ForeignKey("alerts.alert_id"), primary_key=True),
    Column("number", BigInteger, Identity(), primary_key=True),
    instant("at"),
    Column("state", Text, nullable=False),
    Column("notify", Boolean, nullable=False, comment="somebody is to be told"),
    Column("actor", Text, comment="who did it; null is the evaluation"),
    Column("notification_id", Text, comment="in which it was told"),
    Index("ix_alert_changes_untold", "alert_id", postgresql_where=text("notify AND notification_id IS NULL")),
    comment="the permanent record: rows are added, and say later in what they were told",
)

alert_evaluations = Table(
    "alert_evaluations",
    metadata,
    Column("single", Boolean, primary_key=True, comment="there is one row"),
    instant("evaluated_at", comment="by the clock of PostgreSQL"),
    Column("evaluator", Text, nullable=False),
    CheckConstraint("single", name="single"),
)

incidents = Table(
    "incidents",
    metadata,
    Column("incident_id", Text, primary_key=True),
    Column("service", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("source", Text, nullable=False, comment="alerts or people"),
    Column("title", Text, nullable=False),
    instant("started_at", comment="when it began to hurt"),
    instant("detected_at", comment="when somebody was told"),
    instant("acknowledged_at", null=True),
    Column("acknowledged_by", Text),
    instant("resolved_at", null=True),
    instant("told_at", null=True, comment="when somebody was last told of it"),
    Column("root_cause", Text, nullable=False),
    Column("actions", JSONB, nullable=False),
    Column("author", Text, comment="who opened it; null is the evaluation"),
    instant("updated_at"),
    CheckConstraint("severity IN ('page', 'ticket')", name="severity"),
    CheckConstraint("source IN ('alerts', 'people')", name="source"),
    Index(
        "ix_incidents_open",
        "service",
        "severity",
        unique=True,
        postgresql_where=text("resolved_at IS NULL AND source = 'alerts'"),
    ),
    Index(None, "started_at", "incident_id"),
    comment="one for each cause: a service has one open incident of a severity, whatever number of its alerts fire",
)

silences = Table(
    "silences",
    metadata,
    Column("silence_id", Text, primary_key=True),
    Column("service", Text),
    Column("slo", Text),
    Column("severity", Text),
    instant("starts_at"),
    instant("ends_at"),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    instant("created_at"),
    Column("ended_by", Text, comment="who ended it before its time"),
    CheckConstraint("starts_at <= ends_at", name="order"),
    CheckConstraint("coalesce(service, slo, severity) IS NOT NULL", name="matches"),
    Index(None, "ends_at"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("purpose", Text, primary_key=True),
    Column("key", LargeBinary, nullable=False),
    instant("created_at"),
    comment="keys of signed links, made by whoever first needs them",
)
