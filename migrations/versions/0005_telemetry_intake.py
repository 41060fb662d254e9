"""Telemetry of other services: whose they are, the names they use, and the files that were imported."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "telemetry_services",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column(
            "account_id", sa.Text(), nullable=True, comment="the account that first wrote it; null is the operator's"
        ),
        sa.Column("created_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("service", name=op.f("pk_telemetry_services")),
        comment="whose a service's telemetry is; `slipstream` itself is nobody's",
    )
    op.create_table(
        "telemetry_names",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="route, tier or reason"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("service", "kind", "name", name=op.f("pk_telemetry_names")),
        comment="names that a service's requests are told apart by; once there are 500, new ones count as __other__",
    )
    op.create_table(
        "telemetry_files",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column(
            "head", sa.LargeBinary(), nullable=False, comment="SHA-256 of the file's first record, or of its --file-id"
        ),
        sa.Column("number", sa.Integer(), nullable=False, comment="counts up among files that begin alike"),
        sa.Column("name", sa.Text(), nullable=False, comment="where it was last read, for people"),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="bytes counted so far, after decompression"),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of those bytes"),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("bad_lines", sa.BigInteger(), nullable=False),
        sa.Column("shift_minutes", sa.BigInteger(), nullable=False, comment="added to every time in it"),
        sa.Column("updated_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("service", "head", "number", name=op.f("pk_telemetry_files")),
        comment="how far the files of a service were imported; moves on in the transaction that adds their counts",
    )


def downgrade() -> None:
    op.drop_table("telemetry_files")
    op.drop_table("telemetry_names")
    op.drop_table("telemetry_services")
