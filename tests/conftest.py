"""The engines every test runs on: a real PostgreSQL and a real Valkey of each pytest process, as durable as in production."""

from __future__ import annotations

import shutil
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import redis
from psycopg import sql

from app.core.database import Database
from app.core.settings import Settings
from app.core.valkey import Valkey
from app.embedded.instance import Instance
from app.embedded.tuning import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATE = "template_slipstream"
_numbers = count(1)


@pytest.fixture(scope="session")
def engines() -> Iterator[Instance]:
    """PostgreSQL and Valkey of this pytest process. A test that kills or stops them starts them again."""
    data_dir = Path(tempfile.mkdtemp(prefix="slipstream-test-"))
    try:
        with Instance(data_dir, profile=Profile.TEST).start() as instance:
            yield instance
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def template(engines: Instance) -> str:
    """The name of a database with every table, which each test gets a copy of."""
    _administer(engines, sql.SQL("CREATE DATABASE {} OWNER slipstream").format(sql.Identifier(TEMPLATE)))
    _migrate(engines.postgres.url(TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database_url(engines: Instance, template: str) -> Iterator[str]:
    """A database of this test's own, migrated and empty."""
    name = f"test_{next(_numbers)}"
    statement = sql.SQL("CREATE DATABASE {} OWNER slipstream TEMPLATE {} STRATEGY wal_log")
    _administer(engines, statement.format(sql.Identifier(name), sql.Identifier(template)))
    yield engines.postgres.url(name)
    _administer(engines, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def valkey_url(engines: Instance) -> str:
    """An empty Valkey."""
    with redis.Redis.from_url(engines.redis_url) as client:
        client.flushall()
        client.script_flush()
    return engines.redis_url


@pytest.fixture
def redis_client(valkey_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_url) as client:
        yield client


# Above: the engines. Below: the project on them (database, valkey, settings, world, client).


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def valkey(valkey_url: str) -> Iterator[Valkey]:
    valkey = Valkey(valkey_url)
    yield valkey
    valkey.forget()


@pytest.fixture
def settings(database_url: str, valkey_url: str) -> Settings:
    """Settings on this test's own database and Valkey."""
    return Settings(database_url=database_url, redis_url=valkey_url, admin_token="the-token-of-the-operator")


def _administer(engines: Instance, statement: sql.Composed) -> None:
    url = engines.postgres.url("postgres", superuser=True)
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(statement)


def _migrate(url: str) -> None:
    try:
        from app.core.tables import metadata  # noqa: PLC0415
    except ImportError:
        return
    from sqlalchemy import create_engine  # noqa: PLC0415

    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1))
    metadata.create_all(engine)
    engine.dispose()
