"""What people and their tools note on time, such as deploys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_INSTANT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "annotations",
        sa.Column("annotation_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('deploy')", name=op.f("ck_annotations_kind")),
        sa.PrimaryKeyConstraint("annotation_id", name="pk_annotations"),
        comment="shown beside what was measured, and counted nowhere",
    )
    op.create_index(
        "ix_annotations_service_at_kind_text", "annotations", ["service", "at", "kind", "text"], unique=True
    )


def downgrade() -> None:
    op.drop_table("annotations")
