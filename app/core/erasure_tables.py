"""The table of erased accounts, which is the proof of it. Its owner is `app.core.erasure`."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.core.schema import instant, metadata

erasures = Table(
    "erasures",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="HMAC-SHA-256 of the account's id"),
    Column("account_id", Text, comment="what is still to be done needs it; null once it is done"),
    Column("words", ARRAY(Text), nullable=False, comment="what else names it in texts; none once it is done"),
    Column("services", ARRAY(Text), nullable=False, comment="whose telemetry is its own; none once it is done"),
    Column("requested_by", Text, nullable=False),
    instant("requested_at"),
    instant("purged_at", null=True, comment="when everything was looked through, and something was still found"),
    instant("done_at", null=True, comment="when everything was looked through again, and nothing was found"),
    Column("counts", JSONB, nullable=False, server_default=text("'{}'"), comment="table → rows deleted or changed"),
    Column(
        "labels",
        ARRAY(Text),
        nullable=False,
        server_default="{}",
        comment="names of its own SLOs and services that tell whose they are",
    ),
    Index("ix_erasures_unfinished", "requested_at", postgresql_where=text("done_at IS NULL")),
    comment="accounts that were erased, without their names: their ids are never given again",
)
