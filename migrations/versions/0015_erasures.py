"""Accounts that were erased. The record of changes lets erasure alone replace a name by what stands for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_INSTANT = sa.TIMESTAMP(timezone=True)
# The place of an entry, its time and its action stay as they are, whoever asks.
_REFUSE = """
    CREATE OR REPLACE FUNCTION refuse_to_forget() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND current_setting('slipstream.erasing', true) = 'on' THEN
            RETURN NULL;
        END IF;
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$
"""
_REFUSE_ALWAYS = """
    CREATE OR REPLACE FUNCTION refuse_to_forget() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$
"""
_FACTS = """
    CREATE FUNCTION refuse_other_facts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% keeps its facts', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$
"""
_KEEP_FACTS = """
    CREATE TRIGGER keeps_facts BEFORE UPDATE ON audit_entries FOR EACH ROW
    WHEN ((OLD.entry_id, OLD.at, OLD.action, OLD.address) IS DISTINCT FROM (NEW.entry_id, NEW.at, NEW.action, NEW.address))
    EXECUTE FUNCTION refuse_other_facts()
"""


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="HMAC-SHA-256 of the account's id"),
        sa.Column("account_id", sa.Text(), comment="what is still to be done needs it; null once it is done"),
        sa.Column(
            "words", pg.ARRAY(sa.Text()), nullable=False, comment="what else names it in texts; none once it is done"
        ),
        sa.Column(
            "services",
            pg.ARRAY(sa.Text()),
            nullable=False,
            comment="whose telemetry is its own; none once it is done",
        ),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", _INSTANT, nullable=False),
        sa.Column("purged_at", _INSTANT, comment="when everything was looked through, and something was still found"),
        sa.Column("done_at", _INSTANT, comment="when everything was looked through again, and nothing was found"),
        sa.Column(
            "counts",
            pg.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="table → rows deleted or changed",
        ),
        sa.PrimaryKeyConstraint("digest", name="pk_erasures"),
        comment="accounts that were erased, without their names: their ids are never given again",
    )
    op.create_index("ix_erasures_unfinished", "erasures", ["requested_at"], postgresql_where=sa.text("done_at IS NULL"))
    op.execute(_REFUSE)
    op.execute(_FACTS)
    op.execute(_KEEP_FACTS)


def downgrade() -> None:
    op.execute("DROP TRIGGER keeps_facts ON audit_entries")
    op.execute("DROP FUNCTION refuse_other_facts()")
    op.execute(_REFUSE_ALWAYS)
    op.drop_table("erasures")
