from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import exc, text

from app.core.database import Database
from app.core.errors import DependencyTimeoutError, DependencyUnavailableError


def test_a_transaction_commits_at_its_end(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE t (n int)"))
        connection.execute(text("INSERT INTO t VALUES (1)"))

    with database.begin() as connection:
        assert connection.execute(text("SELECT n FROM t")).scalar_one() == 1


def test_every_transaction_has_its_deadlines(database_url: str) -> None:
    database = Database(database_url, statement_timeout_ms=1234, lock_timeout_ms=567, pool_size=1)
    try:
        for _ in range(2):
            with database.begin() as connection:
                shown = [
                    connection.execute(text(f"SHOW {name}")).scalar_one()
                    for name in ("statement_timeout", "lock_timeout")
                ]
                assert shown == ["1234ms", "567ms"]
    finally:
        database.close()


def test_times_are_in_utc_whatever_the_server_says(database: Database) -> None:
    with database.begin() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'"))
    database.engine.dispose()

    with database.begin() as connection:
        assert connection.execute(text("SELECT now()")).scalar_one().utcoffset() == timedelta(0)


def test_a_slow_statement_is_a_timeout(database_url: str) -> None:
    database = Database(database_url, statement_timeout_ms=50)
    try:
        with pytest.raises(DependencyTimeoutError), database.begin() as connection:
            connection.execute(text("SELECT pg_sleep(5)"))
    finally:
        database.close()


def test_a_lock_that_is_not_given_is_a_timeout(database_url: str, database: Database) -> None:
    waiting = Database(database_url, lock_timeout_ms=50)
    try:
        with database.begin() as holder:
            holder.execute(text("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE"))
            with pytest.raises(DependencyTimeoutError), waiting.begin() as connection:
                connection.execute(text("SELECT count(*) FROM accounts"))
    finally:
        waiting.close()


def test_an_exhausted_pool_is_unavailable(database_url: str) -> None:
    database = Database(database_url, pool_size=1, pool_timeout_s=0.05)
    try:
        with database.begin(), pytest.raises(DependencyUnavailableError), database.begin():
            pass
    finally:
        database.close()


@pytest.mark.embedded
def test_a_terminated_connection_is_unavailable_and_the_next_one_works(database: Database) -> None:
    with pytest.raises(DependencyUnavailableError), database.begin() as connection:
        own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()

        def terminate() -> None:
            with database.begin() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})

        killer = threading.Thread(target=terminate)
        killer.start()
        killer.join()
        connection.execute(text("SELECT 1"))

    database.ping()


def test_a_server_that_is_not_there_is_unavailable() -> None:
    database = Database("postgresql://u:p@/d?host=/nowhere")
    try:
        with pytest.raises(DependencyUnavailableError):
            database.ping()
    finally:
        database.close()


def test_a_mistake_in_the_statement_stays_what_it_is(database: Database) -> None:
    with pytest.raises(exc.DataError), database.begin() as connection:
        connection.execute(text("SELECT 'x'::int"))
