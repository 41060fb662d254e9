"""Alerts and their changes, incidents, silences, and what signs links."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = ("alert_evaluations", "incidents", "silences", "signing_keys", "alerts", "alert_changes")


def upgrade() -> None:
    _create_incidents()
    _create_alerts()
    _create_silences()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="alerts or people"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("started_at", pg.TIMESTAMP(timezone=True), nullable=False, comment="when it began to hurt"),
        sa.Column("detected_at", pg.TIMESTAMP(timezone=True), nullable=False, comment="when somebody was told"),
        sa.Column("acknowledged_at", pg.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("resolved_at", pg.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("told_at", pg.TIMESTAMP(timezone=True), nullable=True, comment="when somebody was last told of it"),
        sa.Column("root_cause", sa.Text(), nullable=False),
        sa.Column("actions", pg.JSONB(), nullable=False),
        sa.Column("author", sa.Text(), nullable=True, comment="who opened it; null is the evaluation"),
        sa.Column("updated_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("severity IN ('page', 'ticket')", name=op.f("ck_incidents_severity")),
        sa.CheckConstraint("source IN ('alerts', 'people')", name=op.f("ck_incidents_source")),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_incidents")),
        comment="one for each cause: a service has one open incident of a severity, whatever number of its alerts fire",
    )
    op.create_index(
        "ix_incidents_open",
        "incidents",
        ["service", "severity"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL AND source = 'alerts'"),
    )
    op.create_index(op.f("ix_incidents_started_at_incident_id"), "incidents", ["started_at", "incident_id"])


def _create_alerts() -> None:
    op.create_table(
        "alert_evaluations",
        sa.Column("single", sa.Boolean(), nullable=False, comment="there is one row"),
        sa.Column("evaluated_at", pg.TIMESTAMP(timezone=True), nullable=False, comment="by the clock of PostgreSQL"),
        sa.Column("evaluator", sa.Text(), nullable=False),
        sa.CheckConstraint("single", name=op.f("ck_alert_evaluations_single")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_alert_evaluations")),
    )
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("slo", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column(
            "rule",
            sa.Text(),
            nullable=False,
            comment="severity and windows, page-1h-5m, or the name of a budget's threshold",
        ),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("breached_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("seen_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("counted", sa.Interval(), nullable=False),
        sa.Column("clearing", sa.Boolean(), nullable=False),
        sa.Column("notified", sa.Boolean(), nullable=False),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False, comment="the last one of its SLO and rule"),
        sa.Column("incident_id", sa.Text(), nullable=True),
        sa.Column("figures", pg.JSONB(), nullable=False, comment="what was measured when it was last looked at"),
        sa.CheckConstraint("severity IN ('page', 'ticket')", name=op.f("ck_alerts_severity")),
        sa.CheckConstraint(
            "state IN ('pending', 'firing', 'acknowledged', 'resolved', 'removed')", name=op.f("ck_alerts_state")
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.incident_id"], name=op.f("fk_alerts_incident_id")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_breached_at_alert_id"), "alerts", ["breached_at", "alert_id"])
    op.create_index("ix_alerts_current", "alerts", ["slo", "rule"], unique=True, postgresql_where=sa.text("current"))
    op.create_index(op.f("ix_alerts_incident_id"), "alerts", ["incident_id"])
    op.create_table(
        "alert_changes",
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("notify", sa.Boolean(), nullable=False, comment="somebody is to be told"),
        sa.Column("actor", sa.Text(), nullable=True, comment="who did it; null is the evaluation"),
        sa.Column("notification_id", sa.Text(), nullable=True, comment="in which it was told"),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name=op.f("fk_alert_changes_alert_id")),
        sa.PrimaryKeyConstraint("alert_id", "number", name=op.f("pk_alert_changes")),
        comment="the permanent record: rows are added, and say later in what they were told",
    )
    op.create_index(
        "ix_alert_changes_untold",
        "alert_changes",
        ["alert_id"],
        postgresql_where=sa.text("notify AND notification_id IS NULL"),
    )


def _create_silences() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("purpose", name=op.f("pk_signing_keys")),
        comment="keys of signed links, made by whoever first needs them",
    )
    op.create_table(
        "silences",
        sa.Column("silence_id", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("slo", sa.Text(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=True),
        sa.Column("starts_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ends_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=True, comment="who ended it before its time"),
        sa.CheckConstraint("coalesce(service, slo, severity) IS NOT NULL", name=op.f("ck_silences_matches")),
        sa.CheckConstraint("starts_at <= ends_at", name=op.f("ck_silences_order")),
        sa.PrimaryKeyConstraint("silence_id", name=op.f("pk_silences")),
    )
    op.create_index(op.f("ix_silences_ends_at"), "silences", ["ends_at"])
