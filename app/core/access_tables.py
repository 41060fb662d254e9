"""The tables of people who sign in to the web pages, and of what they did. Their owner is `app.core`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.core.schema import instant, metadata

users = Table(
    "users",
    metadata,
    Column("username", Text, primary_key=True),
    Column("password_hash", Text, comment="argon2id; null signs in elsewhere"),
    Column("identity", Text, unique=True, comment="issuer and subject of OpenID Connect; null signs in by password"),
    Column("role", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    instant("signed_in_at", null=True, comment="the last time"),
    CheckConstraint("role IN ('viewer', 'oncall', 'manager', 'admin')", name="role"),
    CheckConstraint("password_hash IS NOT NULL OR identity IS NOT NULL", name="signs_in"),
    comment="people; programs have keys",
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="SHA-256 of the id, which the browser alone has"),
    Column(
        "username",
        Text,
        ForeignKey("users.username", ondelete="CASCADE"),
        index=True,
        comment="null is the operator, who signed in by the admin token",
    ),
    Column("token_digest", LargeBinary, comment="SHA-256 of that token: another one ends the session"),
    instant("created_at"),
    instant("seen_at", comment="to the minute"),
    instant("expires_at"),
    Column("address", Text, nullable=False, comment="where it was opened from"),
    Index(None, "expires_at"),
    CheckConstraint("(username IS NULL) <> (token_digest IS NULL)", name="owner"),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("entry_id", BigInteger, Identity(always=True), primary_key=True),
    instant("at"),
    Column("actor", Text, nullable=False, comment="a username, operator, or command line"),
    Column("action", Text, nullable=False, comment="users.create, alerts.acknowledge, …"),
    Column("subject", Text, nullable=False, comment="what it was done to"),
    Column("detail", JSONB, nullable=False, comment="no secrets"),
    Column("address", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Index(None, "subject", "entry_id"),
    Index(None, "actor", "entry_id"),
    comment="who changed what, when and from where; a trigger refuses to change or remove rows",
)
