"""How far back counts are kept by the minute and by the quarter of an hour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_detail",
        sa.Column("name", sa.Text(), nullable=False, comment="requests or events"),
        sa.Column(
            "minutes_from",
            pg.TIMESTAMP(timezone=True),
            nullable=True,
            comment="before it minutes are gone; a quarter of an hour stands for its first one",
        ),
        sa.Column(
            "quarters_from",
            pg.TIMESTAMP(timezone=True),
            nullable=True,
            comment="before it quarters are gone; a day stands for its first one",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_kept_detail")),
        comment="how far back minutes and quarters of an hour are kept; days stay",
    )


def downgrade() -> None:
    op.drop_table("kept_detail")
