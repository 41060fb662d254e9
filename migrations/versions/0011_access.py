"""People who sign in to the web pages, their sessions, and the record of what they changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True, comment="argon2id; null signs in elsewhere"),
        sa.Column(
            "identity",
            sa.Text(),
            nullable=True,
            comment="issuer and subject of OpenID Connect; null signs in by password",
        ),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("signed_in_at", pg.TIMESTAMP(timezone=True), nullable=True, comment="the last time"),
        sa.CheckConstraint("role IN ('viewer', 'oncall', 'manager', 'admin')", name=op.f("ck_users_role")),
        sa.CheckConstraint("password_hash IS NOT NULL OR identity IS NOT NULL", name=op.f("ck_users_signs_in")),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_users")),
        sa.UniqueConstraint("identity"),
        comment="people; programs have keys",
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the id, which the browser alone has"),
        sa.Column(
            "username", sa.Text(), nullable=True, comment="null is the operator, who signed in by the admin token"
        ),
        sa.Column(
            "token_digest",
            sa.LargeBinary(),
            nullable=True,
            comment="SHA-256 of that token: another one ends the session",
        ),
        sa.Column("created_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("seen_at", pg.TIMESTAMP(timezone=True), nullable=False, comment="to the minute"),
        sa.Column("expires_at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("address", sa.Text(), nullable=False, comment="where it was opened from"),
        sa.CheckConstraint("(username IS NULL) <> (token_digest IS NULL)", name=op.f("ck_sessions_owner")),
        sa.ForeignKeyConstraint(
            ["username"], ["users.username"], name=op.f("fk_sessions_username"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_username"), "sessions", ["username"])
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"])
    _create_audit_entries()


def downgrade() -> None:
    op.drop_table("audit_entries")
    op.execute("DROP FUNCTION refuse_to_forget()")
    op.drop_table("sessions")
    op.drop_table("users")


def _create_audit_entries() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("entry_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", pg.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False, comment="a username, operator, or command line"),
        sa.Column("action", sa.Text(), nullable=False, comment="users.create, alerts.acknowledge, …"),
        sa.Column("subject", sa.Text(), nullable=False, comment="what it was done to"),
        sa.Column("detail", pg.JSONB(), nullable=False, comment="no secrets"),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_audit_entries")),
        comment="who changed what, when and from where; a trigger refuses to change or remove rows",
    )
    op.create_index(op.f("ix_audit_entries_subject_entry_id"), "audit_entries", ["subject", "entry_id"])
    op.create_index(op.f("ix_audit_entries_actor_entry_id"), "audit_entries", ["actor", "entry_id"])
    op.execute("""
        CREATE FUNCTION refuse_to_forget() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_forget()
    """)
