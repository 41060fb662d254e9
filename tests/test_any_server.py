"""The suite on a PostgreSQL of somebody else's: Debian's, which is three major versions older than the embedded one."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from app.embedded.service_user import service_user
from tests.server import VARIABLE, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.tools, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[1]
SUITE = (
    "tests/ingestion/test_writer.py",
    "tests/ingestion/test_insertion.py",
    "tests/ingestion/test_retention.py",
    "tests/core/test_keys_service.py",
)
DEBIANS = Path("/usr/lib/postgresql")


@pytest.fixture
def debians(data_dir: Path, eventually: Callable[..., Any]) -> Iterator[str]:
    """The address of a PostgreSQL from Debian's package, on a socket of its own."""
    programs = max(DEBIANS.iterdir()) / "bin"
    user = service_user()
    as_user: dict[str, Any] = {"cwd": "/"}
    data_dir.chmod(0o755)
    directory = data_dir / "debian"
    directory.mkdir(mode=0o700)
    if user is not None:
        shutil.chown(directory, user.uid, user.gid)
        as_user |= {"user": user.uid, "group": user.gid, "extra_groups": []}
    initdb = [programs / "initdb", "-D", directory, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run(initdb, check=True, capture_output=True, **as_user)
    argv = [programs / "postgres", "-D", directory, "-k", directory, "-c", "listen_addresses="]
    process = subprocess.Popen(argv, stderr=subprocess.DEVNULL, **as_user)
    url = f"postgresql://postgres@/postgres?host={directory}"

    def answers() -> bool:
        with suppress(psycopg.OperationalError):
            return bool(value(url, "SELECT 1"))
        return False

    try:
        eventually(answers)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def test_the_stores_tests_pass_on_debians_postgresql_and_leave_nothing_there(debians: str) -> None:
    argv = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *SUITE]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST")}
    result = subprocess.run(
        argv, cwd=ROOT, env=environment | {VARIABLE: debians}, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout[-5_000:]
    assert re.search(r"\b[4-9]\d passed", result.stdout), result.stdout[-500:]
    assert value(debians, "SELECT count(*) FROM pg_database") == 3
    assert value(debians, "SELECT sum(xact_commit) > 200 FROM pg_stat_database")
