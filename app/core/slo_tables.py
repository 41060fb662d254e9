"""The tables of SLOs: definitions, what they count, and what is excluded.

Minutes are kept by those who see them happen: `app.core.counting` counts events for rules, `ingestion` what became of
accepted ones, `app.core.telemetry` adds request minutes up. Definitions and maintenance are `reporting`'s.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.core.schema import instant, metadata

# --- app.core.telemetry: request minutes added up ------------------------------------------------------------------

request_rollups = Table(
    "request_rollups",
    metadata,
    Column("service", Text, primary_key=True),
    Column("width", SmallInteger, primary_key=True, comment="minutes in the bucket: 15 or 1440"),
    instant("bucket", key=True),
    Column("route", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("tier", Text, primary_key=True),
    Column("status", SmallInteger, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("buckets", ARRAY(Integer), nullable=False, comment="histogram bucket numbers, app.domain.histogram"),
    Column("counts", ARRAY(BigInteger), nullable=False, comment="requests in each of those buckets"),
    CheckConstraint("width IN (15, 1440)", name="width"),
    comment="request_minutes of all writers, added up once nothing more is expected",
)

account_request_rollups = Table(
    "account_request_rollups",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("service", Text, primary_key=True),
    Column("width", SmallInteger, primary_key=True, comment="minutes in the bucket: 15 or 1440"),
    instant("bucket", key=True),
    Column("route", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("tier", Text, primary_key=True),
    Column("status", SmallInteger, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("buckets", ARRAY(Integer), nullable=False),
    Column("counts", ARRAY(BigInteger), nullable=False),
    CheckConstraint("width IN (15, 1440)", name="width"),
)

rollup_progress = Table(
    "rollup_progress",
    metadata,
    Column("name", Text, primary_key=True, comment="requests"),
    instant("quarters_until", null=True),
    instant("days_until", null=True),
    Column("seen_xid", BigInteger, nullable=False, comment="restatements of older transactions are added up"),
    comment="up to where minutes are added up; beyond it only the minutes themselves are right",
)

restatements = Table(
    "restatements",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("xid", BigInteger, nullable=False, comment="the transaction that restated"),
    Column("source", Text, nullable=False, comment="requests, rollups, events, ingestion"),
    Column("scope", Text, nullable=False, comment="a service or a rule; empty for all"),
    instant("first_minute"),
    instant("last_minute"),
    instant("at", default_now=True),
    Index(None, "xid"),
    comment="minutes written to after they were thought to be over, for whoever remembers sums; kept for an hour",
)

# --- app.core.counting: rules over events ---------------------------------------------------------------------------

counting_rules = Table(
    "counting_rules",
    metadata,
    Column("rule_id", Text, primary_key=True, comment="SHA-256 of what it counts, so that equal rules are one"),
    Column("filters", JSONB, nullable=False, comment="total, and good or bad, as in an OpenSLO metricSource"),
    Column("position_account", Text, nullable=False, comment="events up to this key are counted as they are stored;"),
    Column("position_event", Text, nullable=False, comment="those behind it by the backfill, when it gets there"),
    instant("created_at"),
    instant("moved_at", null=True),
    instant("backfilled_at", null=True),
    instant("unused_since", null=True, comment="no definition in force counts it; kept for reports on the time before"),
)

rule_counts = Table(
    "rule_counts",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("rule_id", Text, primary_key=True),
    Column("width", SmallInteger, primary_key=True, comment="minutes in the bucket: 1, 15 or 1440"),
    instant("bucket", key=True),
    Column("good", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    CheckConstraint("width IN (1, 15, 1440)", name="width"),
    CheckConstraint("good BETWEEN 0 AND total", name="counts"),
    Index(None, "rule_id", "width", "bucket"),
    comment="by the event's own time, buckets in UTC",
)

# --- ingestion: what became of accepted events, by the minute of their 202 -----------------------------------------

accepted_minutes = Table(
    "accepted_minutes",
    metadata,
    Column("shard", SmallInteger, primary_key=True),
    instant("minute", key=True),
    Column("events", BigInteger, nullable=False),
    comment="events accepted, as admission counts them in Valkey",
)

outcome_minutes = Table(
    "outcome_minutes",
    metadata,
    Column("shard", SmallInteger, primary_key=True),
    instant("minute", key=True),
    Column("outcome", Text, primary_key=True, comment="stored, duplicate or dead"),
    Column(
        "delay_s",
        Integer,
        primary_key=True,
        comment="seconds from the 202 until stored, rounded up; -1: dead, or replayed, which is never in time",
    ),
    Column("events", BigInteger, nullable=False),
    comment="batch_outcomes by the minute of the 202",
)

# --- reporting: definitions and maintenance -------------------------------------------------------------------------

slo_objects = Table(
    "slo_objects",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("document", Text, nullable=False, comment="the OpenSLO object as JSON, references as they were written"),
    instant("updated_at"),
    comment="what was applied last, for references to look up",
)

slo_versions = Table(
    "slo_versions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True, comment="counts up from 1"),
    instant("effective_from"),
    Column("applied_by", Text, nullable=False),
    Column("document", Text, comment="the SLO as JSON with every reference replaced; null when it was removed"),
    comment="every SLO as it was at any time: an old report keeps its old target",
)

maintenance_windows = Table(
    "maintenance_windows",
    metadata,
    Column("maintenance_id", Text, primary_key=True),
    Column("service", Text, comment="null is every service"),
    instant("starts_at"),
    instant("ends_at"),
    Column("rrule", Text, comment="RFC 5545 without DTSTART; null is once"),
    Column("timezone", Text, nullable=False, comment="in whose wall-clock time it recurs"),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    instant("created_at"),
    instant("removed_at", null=True),
    CheckConstraint("starts_at < ends_at", name="order"),
    comment="time that is excluded from budgets; a removed one stays, for whoever asks what was excluded when",
)
