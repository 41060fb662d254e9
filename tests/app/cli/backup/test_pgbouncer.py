"""pg_dump sets a `search_path` that finds no table: a session that others go on using must never be lent to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from app.cli.backup.checks import check_backup
from app.cli.main import main
from app.core.database import Database
from tests.pgbouncer import pooling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.core.settings import Settings

pytestmark = pytest.mark.tools


def test_a_backup_through_a_pooler_is_refused_and_the_platform_finds_its_tables(
    settings: Settings, world: Any, tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    def slipstream(database_url: str, *arguments: str) -> tuple[int, str]:
        environment = {"SLIPSTREAM_DATABASE_URL": database_url, "SLIPSTREAM_REDIS_URL": settings.redis_url}
        ran = CliRunner().invoke(main, list(arguments), env=environment)
        return ran.exit_code, ran.output

    direct, through = str(tmp_path / "direct"), str(tmp_path / "through")
    assert slipstream(settings.database_url, "backup", direct)[0] == 0
    with pooling(settings.database_url, tmp_path, eventually) as pooled_url:
        refused, said = slipstream(pooled_url, "backup", through)

        examined = check_backup(replace(settings, database_url=pooled_url))
        platform = Database(pooled_url, pool_size=4, prepared_statements=False)
        for _ in range(4):
            with platform.begin() as connection:
                assert connection.exec_driver_sql("SELECT count(*) FROM accounts").scalar() == 3
        platform.close()
    assert refused == 1
    assert [finding.name for finding in examined] == ["pg_dump"]
    assert "SLIPSTREAM_DATABASE_URL=postgresql://" in said
    assert not (tmp_path / "through").exists()
