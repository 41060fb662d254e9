"""Counting rules that no definition uses any more are kept for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "counting_rules",
        sa.Column(
            "unused_since",
            pg.TIMESTAMP(timezone=True),
            nullable=True,
            comment="no definition in force counts it; kept for reports on the time before",
        ),
    )


def downgrade() -> None:
    op.drop_column("counting_rules", "unused_since")
