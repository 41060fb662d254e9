"""PostgreSQL and Valkey that hold their sockets and say nothing: we give up by ourselves, in time, and go on when they do."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.core import deadline
from app.core.database import Database
from app.core.errors import DependencyError, DependencyTimeoutError, DependencyUnavailableError
from app.core.valkey import Valkey
from app.freeze import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.embedded.instance import Instance
    from app.process import Process

    Eventually = Callable[[Callable[[], object]], None]

pytestmark = pytest.mark.embedded

NEVER_S = 60.0
"""A wait that lasts so long has hung: far more than any limit here, so that a busy machine proves nothing."""


def pid_of(engine: Process) -> int:
    assert engine.pid is not None
    return engine.pid


def failure(action: Callable[[], object]) -> tuple[DependencyError, float]:
    """What an action raises, and after how many seconds."""
    since = time.monotonic()
    with pytest.raises(DependencyError) as caught:
        action()
    return caught.value, time.monotonic() - since


def answered(ping: Callable[[], object]) -> Callable[[], bool]:
    """Whether a ping is answered now."""

    def ask() -> bool:
        try:
            ping()
        except DependencyError:
            return False
        return True

    return ask


@pytest.fixture
def small(database_url: str) -> Iterator[Database]:
    """A pool of one connection, which is open."""
    database = Database(database_url, pool_size=1, statement_timeout_ms=500)
    database.ping()
    yield database
    database.close()


def test_a_statement_to_a_frozen_postgresql_ends_as_a_timeout(small: Database, engines: Instance) -> None:
    with frozen(pid_of(engines.postgres)):
        error, took_s = failure(small.ping)

    assert isinstance(error, DependencyTimeoutError)
    assert took_s < NEVER_S / 4


def test_a_commit_to_a_frozen_postgresql_ends_as_a_timeout(small: Database, engines: Instance) -> None:
    def work() -> None:
        with small.begin() as connection:
            connection.execute(text("CREATE TABLE t (n int)"))
            freezing.__enter__()

    freezing = frozen(pid_of(engines.postgres))
    try:
        error, _ = failure(work)
    finally:
        freezing.__exit__(None, None, None)

    assert isinstance(error, DependencyTimeoutError)


def test_a_connection_to_a_frozen_postgresql_ends_as_a_timeout(database_url: str, engines: Instance) -> None:
    database = Database(database_url)
    with frozen(pid_of(engines.postgres)), deadline.at_most(0.6):
        error, took_s = failure(database.ping)

    assert isinstance(error, DependencyTimeoutError)
    assert took_s < NEVER_S / 4
    database.close()


def test_nothing_of_a_request_lasts_past_its_deadline(database_url: str, engines: Instance) -> None:
    """However long a statement may take by the settings, and however many wait for the only connection."""
    database = Database(database_url, pool_size=1, statement_timeout_ms=600_000, pool_timeout_s=600)
    database.ping()

    def request() -> float:
        deadline.begin(1.0)
        try:
            return failure(database.ping)[1]
        finally:
            deadline.end()

    with frozen(pid_of(engines.postgres)), ThreadPoolExecutor(4) as threads:
        took_s = [future.result(NEVER_S) for future in [threads.submit(request) for _ in range(4)]]

    assert max(took_s) < NEVER_S / 4
    database.close()


def test_a_silent_postgresql_is_asked_by_one_at_a_time(database_url: str, engines: Instance) -> None:
    database = Database(database_url, pool_size=8, statement_timeout_ms=500)
    database.ping()
    with frozen(pid_of(engines.postgres)), ThreadPoolExecutor(8) as threads:
        first, _ = failure(database.ping)
        errors = [future.result()[0] for future in [threads.submit(failure, database.ping) for _ in range(8)]]

    assert isinstance(first, DependencyTimeoutError)
    assert sum(isinstance(error, DependencyUnavailableError) for error in errors) >= 7
    database.close()


def test_when_postgresql_goes_on_so_do_we(small: Database, engines: Instance, eventually: Eventually) -> None:
    with frozen(pid_of(engines.postgres)):
        failure(small.ping)

    eventually(answered(small.ping))


def test_the_server_cancels_a_statement_before_we_give_up_so_that_the_connection_lives(small: Database) -> None:
    def own_process() -> int:
        with small.begin() as connection:
            return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())

    before = own_process()
    with pytest.raises(DependencyTimeoutError), deadline.at_most(2.0), small.begin() as connection:
        connection.execute(text("SELECT pg_sleep(60)"))

    assert own_process() == before


def test_a_connection_that_died_in_the_pool_is_replaced_and_nobody_notices(
    database_url: str, database: Database
) -> None:
    pool = Database(database_url, pool_size=3)
    barrier = threading.Barrier(3)

    def use() -> int:
        with pool.begin() as connection:
            pid = int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
            barrier.wait(NEVER_S)
            return pid

    with ThreadPoolExecutor(3) as threads:
        pids = [future.result() for future in [threads.submit(use) for _ in range(3)]]
    with database.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM unnest(:pids) AS pid"), {"pids": pids})

    for _ in range(3):
        pool.ping()
    pool.close()


@pytest.fixture
def impatient(valkey_url: str) -> Iterator[Valkey]:
    valkey = Valkey(valkey_url, timeout_s=0.5)
    valkey.ping()
    yield valkey
    valkey.forget()


def test_a_command_to_a_frozen_valkey_ends_as_a_timeout(impatient: Valkey, engines: Instance) -> None:
    with frozen(pid_of(engines.valkey)):
        error, took_s = failure(impatient.ping)

    assert isinstance(error, DependencyTimeoutError)
    assert took_s < NEVER_S / 4


def test_a_connection_to_a_frozen_valkey_ends_as_a_timeout(impatient: Valkey, engines: Instance) -> None:
    impatient.forget()
    with frozen(pid_of(engines.valkey)):
        error, took_s = failure(impatient.ping)

    assert isinstance(error, DependencyTimeoutError)
    assert took_s < NEVER_S / 4


def test_a_valkey_without_time_left_for_it_is_not_asked(valkey: Valkey, engines: Instance) -> None:
    deadline.begin(-1)
    try:
        error, _ = failure(valkey.ping)
    finally:
        deadline.end()

    assert isinstance(error, DependencyTimeoutError)
    valkey.ping()


def test_a_silent_valkey_is_asked_by_one_at_a_time_and_by_all_when_it_answers(
    impatient: Valkey, engines: Instance, eventually: Eventually
) -> None:
    with frozen(pid_of(engines.valkey)), ThreadPoolExecutor(8) as threads:
        failure(impatient.ping)
        errors = [future.result()[0] for future in [threads.submit(failure, impatient.ping) for _ in range(8)]]
    assert sum(isinstance(error, DependencyUnavailableError) for error in errors) >= 7

    eventually(answered(impatient.ping))
