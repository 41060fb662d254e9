"""Whom the policy of an alert tells."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "alerts",
        sa.Column(
            "targets",
            pg.ARRAY(sa.Text()),
            nullable=False,
            server_default="{}",
            comment="names of the settings; none: by severity",
        ),
    )


def downgrade() -> None:
    op.drop_column("alerts", "targets")
