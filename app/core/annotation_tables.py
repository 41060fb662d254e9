"""The table of what people and their tools note on time, such as deploys. Its owner is `reporting.annotations`."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Table, Text

from app.core.schema import instant, metadata

noted = Table(
    "annotations",
    metadata,
    Column("annotation_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("service", Text, nullable=False),
    instant("at"),
    Column("text", Text, nullable=False),
    Column("author", Text, nullable=False),
    instant("created_at"),
    CheckConstraint("kind IN ('deploy')", name="kind"),
    Index(None, "service", "at", "kind", "text", unique=True),
    comment="shown beside what was measured, and counted nowhere",
)
