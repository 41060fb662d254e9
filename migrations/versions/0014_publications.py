"""Incidents that the public status page shows, and what the public is told of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_INSTANT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "incident_publications",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False, comment="for everybody; the incident's own is for people inside"),
        sa.Column("published_at", _INSTANT, nullable=False),
        sa.Column("published_by", sa.Text(), comment="null is the rule STATUS_PUBLISH"),
        sa.Column("withdrawn_at", _INSTANT, comment="since then nobody sees it, and no rule publishes it again"),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.incident_id"],
            name="fk_incident_publications_incident_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("incident_id", name="pk_incident_publications"),
        comment="incidents that the public status page shows; one that is not here is a draft",
    )
    op.create_table(
        "incident_updates",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False, comment="for everybody"),
        sa.Column("author", sa.Text(), nullable=False, comment="not shown"),
        sa.CheckConstraint(
            "status IN ('investigating', 'identified', 'monitoring', 'resolved')",
            name=op.f("ck_incident_updates_status"),
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incident_publications.incident_id"],
            name="fk_incident_updates_incident_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("incident_id", "number", name="pk_incident_updates"),
        comment="what the public is told of an incident as it goes on; rows are only added",
    )


def downgrade() -> None:
    op.drop_table("incident_updates")
    op.drop_table("incident_publications")
