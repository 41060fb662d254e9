"""The tables of the public status page. Their owner is `reporting.publication`."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Identity, Table, Text

from app.core.schema import instant, metadata

incident_publications = Table(
    "incident_publications",
    metadata,
    Column("incident_id", Text, ForeignKey("incidents.incident_id", ondelete="CASCADE"), primary_key=True),
    Column("title", Text, nullable=False, comment="for everybody; the incident's own is for people inside"),
    instant("published_at"),
    Column("published_by", Text, comment="null is the rule STATUS_PUBLISH"),
    instant("withdrawn_at", null=True, comment="since then nobody sees it, and no rule publishes it again"),
    comment="incidents that the public status page shows; one that is not here is a draft",
)

incident_updates = Table(
    "incident_updates",
    metadata,
    Column(
        "incident_id",
        Text,
        ForeignKey("incident_publications.incident_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("number", BigInteger, Identity(), primary_key=True),
    instant("at"),
    Column("status", Text, nullable=False),
    Column("text", Text, nullable=False, comment="for everybody"),
    Column("author", Text, nullable=False, comment="not shown"),
    CheckConstraint("status IN ('investigating', 'identified', 'monitoring', 'resolved')", name="status"),
    comment="what the public is told of an incident as it goes on; rows are only added",
)
