"""Tiers, accounts and API keys, with the tiers as shipped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_tiers()
    _create_accounts()
    _create_api_keys()


def downgrade() -> None:
    op.drop_table("api_keys")
    op.drop_table("accounts")
    op.drop_table("tiers")


def _create_tiers() -> None:
    tiers = op.create_table(
        "tiers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("events_per_minute", sa.BigInteger(), nullable=False),
        sa.Column("events_burst", sa.BigInteger(), nullable=False),
        sa.Column("summaries_per_minute", sa.BigInteger(), nullable=False),
        sa.Column("daily_quota", sa.BigInteger(), nullable=True, comment="events a UTC day; null is no limit"),
        sa.Column("monthly_quota", sa.BigInteger(), nullable=True, comment="events a UTC month; null is no limit"),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("updated_at", pg.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("lane IN ('high', 'normal', 'low')", name=op.f("ck_tiers_lane")),
        sa.CheckConstraint(
            "events_per_minute > 0 AND events_burst > 0 AND summaries_per_minute > 0",
            name=op.f("ck_tiers_limits_positive"),
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tiers")),
    )
    columns = (
        "name",
        "events_per_minute",
        "events_burst",
        "summaries_per_minute",
        "daily_quota",
        "monthly_quota",
        "lane",
    )
    # Section 6 of the contract. They are data from here on: operators change them.
    as_shipped = (
        ("free", 6_000, 2_000, 60, 500_000, 10_000_000, "low"),
        ("standard", 60_000, 10_000, 600, 10_000_000, 200_000_000, "normal"),
        ("enterprise", 600_000, 60_000, 6_000, None, None, "high"),
    )
    op.bulk_insert(tiers, [dict(zip(columns, values, strict=True)) for values in as_shipped])


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column(
            "overrides",
            pg.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="limits that differ from the tier",
        ),
        sa.Column("shard", sa.SmallInteger(), nullable=True, comment="queue shard; null is crc32(account_id) % 16"),
        sa.Column("ordered", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", pg.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", pg.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("shard BETWEEN 0 AND 15", name=op.f("ck_accounts_shard")),
        sa.ForeignKeyConstraint(["tier"], ["tiers.name"], name=op.f("fk_accounts_tier")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_accounts")),
    )


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column(
            "digest",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of the secret; the secret itself is never kept",
        ),
        sa.Column("scopes", pg.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", pg.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", pg.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", pg.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_used_at", pg.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_api_keys_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "key_id", name=op.f("pk_api_keys")),
    )
