"""What tells whose an SLO or a service was is kept apart from what else names an account that is erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "erasures",
        sa.Column(
            "labels",
            pg.ARRAY(sa.Text()),
            server_default="{}",
            nullable=False,
            comment="names of its own SLOs and services that tell whose they are",
        ),
    )


def downgrade() -> None:
    op.drop_column("erasures", "labels")
