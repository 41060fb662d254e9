"""Alembic's entry: runs the migrations on a connection that `app.core.migrate` has opened, locked and limited.

Developers reach it by `alembic revision --autogenerate --rev-id NNNN -m "…"`, which reads SLIPSTREAM_DATABASE_URL.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from alembic import context

from app.core.migrate import locked_connection, ours
from app.core.tables import metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=ours,
        compare_server_default=True,
        # One transaction for the whole run: a database is at the old revision or at the new one.
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with locked_connection(os.environ["SLIPSTREAM_DATABASE_URL"]) as opened:
        run(opened)
