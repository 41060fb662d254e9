"""What every test runs on: a real PostgreSQL and a real Valkey of each pytest process, with the settings of production."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
import structlog
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from prometheus_client import CollectorRegistry

from app.composition import Counting, compose_api
from app.core.accounts_service import Accounts, NewAccount
from app.core.authentication import Authenticator
from app.core.database import Database
from app.core.key_usage import KeyUsage
from app.core.keys import TENANT_SCOPES
from app.core.keys_service import Keys
from app.core.mirror import AccountMirror
from app.core.settings import Settings
from app.core.shard_directory import ShardDirectory
from app.core.tiers_service import Tiers
from app.core.valkey import Valkey
from app.embedded.directory import in_use
from app.embedded.instance import Instance
from app.embedded.tuning import Profile
from app.leash import PR_SET_PDEATHSIG
from tests import server
from tests.cluster import running_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient

    from app.composition import Api
    from tests.cluster import Cluster
    from tests.server import Databases

ON_A_CLUSTER = "TEST_ON_A_CLUSTER"
DATA_PREFIX = "slipstream-test-"
ABANDONED_S = 600
SHARED_MEMORY = Path("/dev/shm")
SHARED_MEMORY_NEEDED = 2 * 1024**3

# A busy machine is slow, and no test fails for that.
hypothesis_settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    """Interrupt an xdist worker whose session is gone: it would finish its test first, and its engines with it."""
    if hasattr(config, "workerinput") and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT.value, 0, 0, 0)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about the embedded PostgreSQL when databases come from another one, and so with Valkey."""
    for variable, marker in ((server.VARIABLE, "embedded"), (ON_A_CLUSTER, "one_server")):
        if os.environ.get(variable):
            own = [item for item in items if item.get_closest_marker(marker)]
            config.hook.pytest_deselected(items=own)
            items[:] = [item for item in items if item not in own]


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Leave the logs of the test run as they were: commands set up their own, also when a test calls them."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hooks = sys.excepthook, threading.excepthook
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = handlers, level
    sys.excepthook, threading.excepthook = hooks
    logging.getLogger("alembic.runtime.migration").filters.clear()


@pytest.fixture(scope="session")
def engines() -> Iterator[Instance]:
    """PostgreSQL and Valkey of this pytest process. A test that kills or stops them starts them again."""
    _remove_abandoned()
    with _data_dir() as path, Instance(path, profile=Profile.TEST).start() as instance:
        yield instance


@pytest.fixture(scope="session")
def databases(engines: Instance) -> Iterator[Databases]:
    """Where databases come from: the engines' PostgreSQL, or the one that SLIPSTREAM_TEST_DATABASE_URL names."""
    with server.databases(engines.postgres) as of_server:
        yield of_server


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A database of this test's own, migrated and empty."""
    with databases.database() as url:
        yield url


@pytest.fixture(scope="session")
def masters() -> Iterator[Cluster]:
    """A cluster of three masters of this pytest process."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(masters: Cluster) -> Cluster:
    """An empty one. A test that moves its slots moves them back."""
    masters.flush()
    return masters


@pytest.fixture
def cluster_instead(request: pytest.FixtureRequest) -> Cluster | None:
    """The cluster, where `make test-tools` has tests run on one that look at Valkey: they need not know."""
    return request.getfixturevalue("cluster") if os.environ.get(ON_A_CLUSTER) else None


@pytest.fixture
def valkey_url(engines: Instance, cluster_instead: Cluster | None) -> str:
    """An empty Valkey."""
    if cluster_instead is not None:
        return cluster_instead.url
    with redis.Redis.from_url(engines.redis_url) as client:
        client.flushall()
        client.script_flush()
    return engines.redis_url


@pytest.fixture
def redis_client(valkey_url: str, cluster_instead: Cluster | None) -> Iterator[Any]:
    with redis.Redis.from_url(valkey_url) if cluster_instead is None else cluster_instead.client() as client:
        yield client


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory for an instance of this test's own; the engines' user can enter it, unlike `tmp_path`."""
    with _data_dir() as path:
        yield path


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Waits until a condition holds; how long that takes is not what a test is about."""

    def wait(condition: Callable[[], object], timeout_s: float = 60.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "It did not come true."
            time.sleep(0.02)

    return wait


# Above: the engines. Below: the project on them (database, valkey, settings, world, client).


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def nowhere() -> Iterator[Database]:
    """A database whose server is not there."""
    database = Database("postgresql://nobody@127.0.0.1:1/nothing", pool_timeout_s=0.1)
    yield database
    database.close()


@pytest.fixture
def valkey(valkey_url: str) -> Iterator[Valkey]:
    valkey = Valkey(valkey_url, timeout_s=5.0)
    yield valkey
    valkey.forget()


@pytest.fixture
def settings(database_url: str, valkey_url: str) -> Settings:
    """Settings on this test's own database and Valkey."""
    return Settings(database_url=database_url, redis_url=valkey_url, admin_token="the-token-of-the-operator")


@pytest.fixture
def mirror(database: Database, valkey: Valkey) -> AccountMirror:
    return AccountMirror(database, valkey)


@pytest.fixture
def accounts(database: Database, mirror: AccountMirror) -> Accounts:
    return Accounts(database, mirror)


@pytest.fixture
def tiers(database: Database, mirror: AccountMirror) -> Tiers:
    return Tiers(database, mirror)


@pytest.fixture
def keys(database: Database, mirror: AccountMirror) -> Keys:
    return Keys(database, mirror)


@pytest.fixture
def authenticator(database: Database, valkey: Valkey, mirror: AccountMirror, settings: Settings) -> Authenticator:
    return Authenticator(
        valkey=valkey,
        mirror=mirror,
        shards=ShardDirectory(valkey),
        usage=KeyUsage(database),
        admin_token=settings.admin_token,
    )


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with an account, and a key to it with every scope of tenants."""

    account_id: str
    key: str


@dataclass(frozen=True, slots=True)
class World:
    """Alice has the account `acme` (standard), Bob `bolt` (free), Charlie `corner` (enterprise)."""

    alice: Member
    bob: Member
    charlie: Member


@pytest.fixture
def world(accounts: Accounts, keys: Keys) -> World:
    def member(account_id: str, tier: str) -> Member:
        now = datetime.now(UTC)
        accounts.create(NewAccount(account_id=account_id, name=account_id.title(), tier=tier), now)
        return Member(account_id, keys.create(account_id, TENANT_SCOPES, now=now).text)

    return World(alice=member("acme", "standard"), bob=member("bolt", "free"), charlie=member("corner", "enterprise"))


@pytest.fixture
def api(settings: Settings) -> Iterator[Api]:
    """The API on this test's own engines, as it is composed for production; its metrics are its own."""
    api = compose_api(settings, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    yield api
    api.close()


@pytest.fixture
def client(api: Api) -> FlaskClient:
    return api.app.test_client()


def _base_dir() -> Path:
    """Shared memory where there is enough: fsync stays on and costs nothing, so a copy of a database takes 15 ms, not 250."""
    if SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free >= SHARED_MEMORY_NEEDED:
        return SHARED_MEMORY
    return Path(tempfile.gettempdir())


@contextlib.contextmanager
def _data_dir() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix=DATA_PREFIX, dir=_base_dir()))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _remove_abandoned() -> None:
    """Remove what sessions have left that were killed before they could."""
    for path in _base_dir().glob(f"{DATA_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > ABANDONED_S and not in_use(path):
                shutil.rmtree(path)
