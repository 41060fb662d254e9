"""The comment of a column says what is in it: accounts are told apart too."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_SAY = "COMMENT ON COLUMN telemetry_names.kind IS '{}'"


def upgrade() -> None:
    op.execute(_SAY.format("route, account, tier or reason"))


def downgrade() -> None:
    op.execute(_SAY.format("route, tier or reason"))
