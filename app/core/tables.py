"""Every table of Slipstream, in one place that migrations and stores share.

Every table of an account has `account_id` first in its primary key, so that the same schema is distributed by
account on Citus (ADR 5). Only the owner named at each table writes it; a feature may read any of them.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.core import (
    access_tables,
    alert_tables,
    annotation_tables,
    detail_tables,
    erasure_tables,
    report_tables,
    schema,
    slo_tables,
    status_tables,
)

EVENT_PARTITIONS = 16
"""Hash partitions of `events`: a power of two near the number of cores a large server has (ADR 5)."""

metadata = alert_tables.notifications.metadata
"""Of every table: those of the other modules are in it too."""
_OTHERS = (
    access_tables,
    alert_tables,
    annotation_tables,
    detail_tables,
    erasure_tables,
    report_tables,
    slo_tables,
    status_tables,
)
_instant = schema.instant

# --- app.core: accounts, tiers, keys -------------------------------------------------------------------------

tiers = Table(
    "tiers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("events_per_minute", BigInteger, nullable=False),
    Column("events_burst", BigInteger, nullable=False),
    Column("summaries_per_minute", BigInteger, nullable=False),
    Column("daily_quota", BigInteger, comment="events a UTC day; null is no limit"),
    Column("monthly_quota", BigInteger, comment="events a UTC month; null is no limit"),
    Column("lane", Text, nullable=False),
    _instant("updated_at", default_now=True),
    CheckConstraint("lane IN ('high', 'normal', 'low')", name="lane"),
    CheckConstraint("events_per_minute > 0 AND events_burst > 0 AND summaries_per_minute > 0", name="limits_positive"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("tier", Text, ForeignKey("tiers.name"), nullable=False),
    Column("overrides", JSONB, nullable=False, server_default=text("'{}'"), comment="limits that differ from the tier"),
    Column("shard", SmallInteger, comment="queue shard; null is crc32(account_id) % 16"),
    Column("ordered", Boolean, nullable=False, server_default=text("false")),
    _instant("created_at", default_now=True),
    _instant("updated_at", default_now=True),
    CheckConstraint("shard BETWEEN 0 AND 15", name="shard"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("account_id", Text, ForeignKey("accounts.account_id", ondelete="CASCADE"), primary_key=True),
    Column("key_id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the secret; the secret itself is never kept"),
    Column("scopes", ARRAY(Text), nullable=False),
    _instant("created_at", default_now=True),
    _instant("expires_at", null=True),
    _instant("revoked_at", null=True),
    _instant("last_used_at", null=True),
)

# --- ingestion: events, their rollups, outcomes, dead letters ---------------------------------------------------

events = Table(
    "events",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    _instant("occurred_at"),
    _instant("received_at"),
    Column("payload", JSONB),
    Column("envelope", JSONB, comment="CloudEvents attributes: source, id, subject, …; null for a native event"),
    Index(None, "received_at", postgresql_using="brin"),
    postgresql_partition_by="HASH (account_id)",
)

event_rollups = Table(
    "event_rollups",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("width", SmallInteger, primary_key=True, comment="minutes in the bucket: 1, 60 or 1440"),
    _instant("bucket", key=True),
    Column("type", Text, primary_key=True),
    Column("events", BigInteger, nullable=False),
    _instant("first_at"),
    _instant("last_at"),
    CheckConstraint("width IN (1, 60, 1440)", name="width"),
    comment="counts by the event's own time, buckets in UTC",
)

batch_outcomes = Table(
    "batch_outcomes",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("batch_id", Text, primary_key=True),
    _instant("received_at"),
    _instant("stored_at"),
    Column("stored", Integer, nullable=False),
    Column("duplicates", Integer, nullable=False),
    Column("dead", Integer, nullable=False),
    Column(
        "revived",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="of stored and duplicates: replayed dead letters, never fresh",
    ),
    CheckConstraint(
        "stored >= 0 AND duplicates >= 0 AND dead >= 0 AND revived BETWEEN 0 AND stored + duplicates", name="counts"
    ),
    Index(None, "received_at", postgresql_using="brin"),
    comment="one row a batch, written with its events; accepted = stored + duplicates + dead",
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("key_digest", LargeBinary, primary_key=True, comment="SHA-256 of the Idempotency-Key"),
    Column("body_digest", LargeBinary, nullable=False, comment="SHA-256 of the request's body after decompression"),
    Column("batch_id", Text, nullable=False),
    Column("accepted", Integer, nullable=False),
    _instant("received_at"),
    Index(None, "received_at", postgresql_using="brin"),
    comment="answers to repeat for 24 hours, moved here from Valkey with the outcome of their batch",
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("batch_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True, comment="index in the batch; -1 for a batch that cannot be read"),
    Column("event_id", Text),
    Column("type", Text),
    Column("reason", Text, nullable=False, comment="a slug: refused-by-store, kept-failing, unreadable"),
    Column("detail", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False, comment="the event as it was sent, as bytes: jsonb may refuse it"),
    _instant("received_at"),
    _instant("died_at"),
    Index(None, "died_at"),
    Index(None, "batch_id"),
)

notices = Table(
    "notices",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("period", Text, primary_key=True, comment="a UTC day, 2026-11-22, or month, 2026-11"),
    Column("threshold", SmallInteger, primary_key=True, comment="per cent of the quota: 80 or 100"),
    Column("used", BigInteger, nullable=False),
    Column("quota", BigInteger, nullable=False),
    _instant("noticed_at"),
    _instant("delivered_at", null=True),
    Index("ix_notices_undelivered", "noticed_at", postgresql_where=text("delivered_at IS NULL")),
    comment="what accounts and operators are told of quotas, once a period and threshold",
)

circuit_changes = Table(
    "circuit_changes",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("change_id", Text, primary_key=True, comment="shard and id in its journal"),
    _instant("changed_at"),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("cause", Text, nullable=False, comment="a problem's slug, dead-events, admitted, waited, or by <key id>"),
    Index(None, "account_id", "changed_at"),
    comment="circuit breakers of accounts that opened, closed, or began to ask",
)

# --- app.core.telemetry ------------------------------------------------------------------------------------------

request_minutes = Table(
    "request_minutes",
    metadata,
    Column("service", Text, primary_key=True),
    _instant("minute", key=True),
    Column("route", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("tier", Text, primary_key=True),
    Column("status", SmallInteger, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("writer", Text, primary_key=True, comment="the process that counted; its rows are cumulative and its own"),
    Column("requests", BigInteger, nullable=False),
    Column("buckets", ARRAY(Integer), nullable=False, comment="histogram bucket numbers, app.domain.histogram"),
    Column("counts", ARRAY(BigInteger), nullable=False, comment="requests in each of those buckets"),
)

account_request_minutes = Table(
    "account_request_minutes",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("service", Text, primary_key=True),
    _instant("minute", key=True),
    Column("route", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("tier", Text, primary_key=True),
    Column("status", SmallInteger, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("writer", Text, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("buckets", ARRAY(Integer), nullable=False),
    Column("counts", ARRAY(BigInteger), nullable=False),
)

failed_requests = Table(
    "failed_requests",
    metadata,
    Column("writer", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, comment="counts up in its writer"),
    _instant("at"),
    Column("request_id", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("account_id", Text),
    Column("duration_us", BigInteger),
    Index(None, "at"),
    comment="single failures (5xx), capped a minute and writer, for people who look for the cause",
)

# --- ingestion: telemetry of other services ------------------------------------------------------------------------

telemetry_services = Table(
    "telemetry_services",
    metadata,
    Column("service", Text, primary_key=True),
    Column("account_id", Text, comment="the account that first wrote it; null is the operator's"),
    _instant("created_at"),
    comment="whose a service's telemetry is; `slipstream` itself is nobody's",
)

telemetry_names = Table(
    "telemetry_names",
    metadata,
    Column("service", Text, primary_key=True),
    Column("kind", Text, primary_key=True, comment="route, account, tier or reason"),
    Column("name", Text, primary_key=True),
    comment="names that a service's requests are told apart by; once there are 500, new ones count as __other__",
)

telemetry_files = Table(
    "telemetry_files",
    metadata,
    Column("service", Text, primary_key=True),
    Column("head", LargeBinary, primary_key=True, comment="SHA-256 of the file's first record, or of its --file-id"),
    Column("number", Integer, primary_key=True, comment="counts up among files that begin alike"),
    Column("name", Text, nullable=False, comment="where it was last read, for people"),
    Column("size", BigInteger, nullable=False, comment="bytes counted so far, after decompression"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of those bytes"),
    Column("lines", BigInteger, nullable=False),
    Column("bad_lines", BigInteger, nullable=False),
    Column("shift_minutes", BigInteger, nullable=False, comment="added to every time in it"),
    _instant("updated_at"),
    comment="how far the files of a service were imported; moves on in the transaction that adds their counts",
)
