"""A database on Citus: made and migrated once, on every node, and emptied between tests.

A copy of a database knows nothing of the other nodes, and to make one with its shards takes as long as tens of tests.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from app.core.distribution import PLACEMENTS, Place
from app.core.migrate import migrate
from app.core.tables import metadata
from tests.server import execute

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARDS = 4
"""Of each table: enough for two on each of two nodes, and an eighth of the work to make them."""
_NODES = "SELECT groupid, nodename, nodeport FROM pg_dist_node WHERE noderole = 'primary' ORDER BY groupid"
_SHAPE = """
SELECT count(*), max(version_num) FROM alembic_version, pg_attribute JOIN pg_class AS c ON c.oid = attrelid
 WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
"""


class Emptied:
    """One database, empty again after each test. Its nodes are those of the database that `url` names."""

    def __init__(self, url: str) -> None:
        self._base = make_url(url)
        self._name = f"slipstream_test_{uuid4().hex[:8]}"
        self.url = self._url()
        self._shape: tuple[Any, ...] | None = None
        self._tiers: list[tuple[Any, ...]] = []
        with psycopg.connect(url, autocommit=True) as connection:
            nodes = connection.execute(_NODES).fetchall()
        self._coordinator = next(tuple(place) for group, *place in nodes if group == 0)
        self._workers = [tuple(place) for group, *place in nodes if group != 0]

    @contextmanager
    def database(self) -> Iterator[str]:
        yield self.url
        if not self._emptied():
            # The test has changed more than rows.
            self.drop()
            self.make()

    def make(self) -> None:
        name = sql.Identifier(self._name)
        for node in (None, *self._workers):
            create = sql.SQL("CREATE DATABASE {}").format(name)
            fewer = sql.SQL("ALTER DATABASE {} SET citus.shard_count = {}").format(name, sql.Literal(SHARDS))
            execute(self._url(node, database="postgres"), create, fewer)
            execute(self._url(node), sql.SQL("CREATE EXTENSION citus").format())
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT citus_set_coordinator_host(%s, %s)", self._coordinator)
            for worker in self._workers:
                connection.execute("SELECT citus_add_node(%s, %s)", worker)
            migrate(self.url)
            self._shape = connection.execute(_SHAPE).fetchone()
            self._tiers = connection.execute("SELECT * FROM tiers ORDER BY name").fetchall()

    def drop(self) -> None:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self._name))
        for node in (None, *self._workers):
            execute(self._url(node, database="postgres"), statement)

    def _emptied(self) -> bool:
        try:
            with psycopg.connect(self.url, autocommit=True) as connection:
                if connection.execute(_SHAPE).fetchone() != self._shape:
                    return False
                connection.execute("SET session_replication_role = replica")  # The record of changes refuses to forget.
                self._empty_spread(connection)
                self._empty_local(connection)
        except psycopg.Error:
            return False
        return True

    def _empty_spread(self, connection: psycopg.Connection[Any]) -> None:
        # What points to another table comes first.
        for name, placement in reversed(PLACEMENTS.items()):
            table = sql.Identifier(name)
            if placement.place is Place.COORDINATOR or name == "tiers":
                continue
            if connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table)).fetchone():
                connection.execute(sql.SQL("DELETE FROM {}").format(table))
        if connection.execute("SELECT * FROM tiers ORDER BY name").fetchall() != self._tiers:
            connection.execute("DELETE FROM tiers")
            for tier in self._tiers:
                places = sql.SQL(", ").join([sql.Placeholder()] * len(tier))
                connection.execute(sql.SQL("INSERT INTO tiers VALUES ({})").format(places), tier)

    def _empty_local(self, connection: psycopg.Connection[Any]) -> None:
        local = [name for name in metadata.tables if PLACEMENTS[name].place is Place.COORDINATOR]
        each = sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})")
        query = sql.SQL(" UNION ALL ").join(each.format(sql.Literal(name), sql.Identifier(name)) for name in local)
        used = [sql.Identifier(name) for (name,) in connection.execute(query)]
        if used:
            connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(sql.SQL(", ").join(used)))

    def _url(self, node: tuple[str, int] | None = None, *, database: str | None = None) -> str:
        url = self._base.set(database=database or self._name)
        if node is not None:
            url = url.set(host=node[0], port=node[1])
        return url.render_as_string(hide_password=False)


@contextmanager
def on_citus(url: str) -> Iterator[Emptied]:
    emptied = Emptied(url)
    try:
        emptied.make()
        yield emptied
    finally:
        emptied.drop()
