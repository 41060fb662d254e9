"""What the modules of tables have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, text
from sqlalchemy.dialects.postgresql import TIMESTAMP

if TYPE_CHECKING:
    from datetime import datetime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def instant(
    name: str, *, null: bool = False, default_now: bool = False, key: bool = False, comment: str | None = None
) -> Column[datetime]:
    """Make a column of instants."""
    default = text("now()") if default_now else None
    kind = TIMESTAMP(timezone=True)
    return Column(name, kind, nullable=null, server_default=default, primary_key=key, comment=comment)
