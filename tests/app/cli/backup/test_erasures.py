"""A backup knows nothing of accounts that were erased after it; the list that is kept apart from it does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql

from app.cli.main import main
from app.core.database import Database
from app.core.erasure.erasures import Erasures
from app.core.mirror import AccountMirror

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.core.settings import Settings
    from app.core.valkey import Valkey
    from app.embedded.instance import Instance
    from tests.conftest import World

NAME = "test_restored_erasures"


@pytest.fixture
def elsewhere(engines: Instance) -> Iterator[str]:
    """An empty database."""
    name = sql.Identifier(NAME)
    with psycopg.connect(engines.postgres.url("postgres", superuser=True), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER slipstream").format(name))
        yield engines.postgres.url(NAME)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def test_a_restore_closes_the_accounts_again_that_were_erased_after_the_backup(
    settings: Settings, world: World, database: Database, valkey: Valkey, elsewhere: str, tmp_path: Path
) -> None:
    def slipstream(database_url: str, *arguments: str) -> None:
        environment = {"SLIPSTREAM_DATABASE_URL": database_url, "SLIPSTREAM_REDIS_URL": settings.redis_url}
        ran = CliRunner().invoke(main, list(arguments), env=environment)
        assert ran.exit_code == 0, ran.output

    backup, copy = str(tmp_path / "backup"), str(tmp_path / "erasures.json")
    slipstream(settings.database_url, "backup", backup)
    erased = Erasures(database, AccountMirror(database, valkey)).begin("acme", by="operator", now=datetime.now(UTC))
    slipstream(settings.database_url, "erasures", "export", copy)
    valkey.execute("FLUSHALL")

    slipstream(elsewhere, "restore", backup, "--erasures", copy)

    restored = Database(elsewhere, pool_size=1)
    ours = Erasures(restored, AccountMirror(restored, valkey))
    found = ours.every()
    with restored.begin() as connection:
        accounts = list(connection.exec_driver_sql("SELECT account_id FROM accounts ORDER BY 1").scalars())
    restored.close()
    assert [(each.erasure_id, each.state.value, each.requested_by) for each in found] == [
        (erased.erasure_id, "closed", "restore")
    ]
    assert accounts == ["bolt", "corner"]
