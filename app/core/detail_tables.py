"""The table that says from when on counts are kept in which detail. Its owners are those who thin them out."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from app.core.schema import instant, metadata

kept_detail = Table(
    "kept_detail",
    metadata,
    Column("name", Text, primary_key=True, comment="requests or events"),
    instant(
        "minutes_from", null=True, comment="before it minutes are gone; a quarter of an hour stands for its first one"
    ),
    instant("quarters_from", null=True, comment="before it quarters are gone; a day stands for its first one"),
    comment="how far back minutes and quarters of an hour are kept; days stay",
)
