from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import redis

from app.embedded.binaries import EmbeddedError
from app.embedded.directory import in_use, running_environment
from app.embedded.instance import Instance
from app.embedded.tuning import Profile
from app.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Eventually = Callable[[Callable[[], object]], None]

ROOT = Path(__file__).resolve().parents[2]


def test_the_application_owns_its_database_and_is_no_superuser(engines: Instance) -> None:
    with psycopg.connect(engines.database_url) as connection:
        role, owner, superuser, checksums = (
            connection.execute(
                """
            SELECT current_user, pg_get_userbyid(datdba), rolsuper OR rolcreatedb OR rolcreaterole, current_setting('data_checksums')
            FROM pg_database, pg_roles WHERE datname = current_database() AND rolname = current_user
            """
            ).fetchone()
            or ()
        )

    assert (role, owner, superuser, checksums) == ("slipstream", "slipstream", False, "on")


def test_postgresql_runs_with_the_settings_its_promises_rest_on(engines: Instance) -> None:
    expected = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "listen_addresses": ""}
    with psycopg.connect(engines.database_url) as connection:
        rows = connection.execute(
            "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (list(expected),)
        ).fetchall()

    assert dict(rows) == expected


def test_valkey_runs_with_the_settings_its_promises_rest_on(engines: Instance) -> None:
    expected = {
        "appendonly": "yes",
        "appendfsync": "always",
        "no-appendfsync-on-rewrite": "no",
        "maxmemory-policy": "noeviction",
        "save": "",
        "port": "0",
    }
    with redis.Redis.from_url(engines.redis_url, decode_responses=True) as client:
        settings = {name: client.config_get(name)[name] for name in expected}
        maxmemory = int(client.config_get("maxmemory")["maxmemory"])

    assert settings == expected
    assert maxmemory > 0


def test_nobody_comes_in_without_the_password(engines: Instance) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(engines.database_url, password="wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(engines.postgres.url("postgres", superuser=True), password="wrong")
    with (
        redis.Redis(unix_socket_path=str(engines.run_dir / "valkey.sock")) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_every_file_is_closed_to_others(engines: Instance) -> None:
    paths = list(engines.data_dir.iterdir())

    assert stat.S_IMODE(engines.run_dir.stat().st_mode) == 0o700
    assert {path.name for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077} == set()


def test_no_secret_is_in_a_log_or_on_a_command_line(engines: Instance) -> None:
    secrets = json.loads((engines.data_dir / "secrets.json").read_text()).values()
    texts = [path.read_text() for path in engines.data_dir.glob("*.log")]
    texts += [Path(f"/proc/{engine.pid}/cmdline").read_text() for engine in (engines.postgres, engines.valkey)]

    assert len(secrets) == 4
    assert not [secret for secret in secrets for text in texts if secret in text]


def test_what_was_answered_survives_a_kill_of_both_engines(data_dir: Path) -> None:
    with Instance(data_dir, profile=Profile.TEST).start() as instance:
        write(instance)

        instance.postgres.kill()
        instance.valkey.kill()
        instance.postgres.restart()
        instance.valkey.restart()

        assert read(instance) == ([(1,)], b"1")


def test_an_instance_starts_again_on_its_data_with_the_same_secrets(data_dir: Path) -> None:
    with Instance(data_dir, profile=Profile.TEST).start() as instance:
        write(instance)
        environment = instance.environment

    with Instance(data_dir, profile=Profile.TEST).start() as again:
        assert again.environment == environment
        assert read(again) == ([(1,)], b"1")


OWNER = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from app.embedded.instance import Instance
from app.embedded.tuning import Profile
instance = Instance(Path(sys.argv[1]), profile=Profile.TEST).start()
print(instance.valkey.pid, flush=True)
time.sleep(1000)
"""


@pytest.fixture
def owner(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process with an instance, to be killed; and the process id of its Valkey."""
    with subprocess.Popen([sys.executable, "-c", OWNER, str(data_dir)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
        process.kill()


def test_two_instances_do_not_share_a_directory(owner: tuple[subprocess.Popen[str], int], data_dir: Path) -> None:
    process, _valkey = owner

    with pytest.raises(EmbeddedError, match=rf"in use by another instance \(process {process.pid}\)"):
        Instance(data_dir, profile=Profile.TEST).start()


def test_a_killed_instance_starts_again_on_its_data(
    owner: tuple[subprocess.Popen[str], int], data_dir: Path, eventually: Eventually
) -> None:
    process, _valkey = owner
    environment = running_environment(data_dir)
    with psycopg.connect(environment["SLIPSTREAM_DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    with redis.Redis.from_url(environment["SLIPSTREAM_REDIS_URL"]) as client:
        client.set("kept", 1)

    process.kill()
    process.wait()

    with Instance(data_dir, profile=Profile.TEST).start() as instance:
        assert read(instance) == ([(1,)], b"1")


def test_the_engines_of_a_killed_instance_hold_its_directory_until_they_have_ended(
    owner: tuple[subprocess.Popen[str], int], data_dir: Path, eventually: Eventually
) -> None:
    """Two Valkeys that write one log would ruin it."""
    process, valkey = owner
    os.kill(valkey, signal.SIGSTOP)

    try:
        process.kill()
        process.wait()
        assert in_use(data_dir)
    finally:
        os.kill(valkey, signal.SIGCONT)

    eventually(lambda: not in_use(data_dir))


def test_others_find_a_running_instance_and_none_that_has_stopped(data_dir: Path) -> None:
    with Instance(data_dir, profile=Profile.TEST).start() as instance:
        instance.publish({"SLIPSTREAM_BASE_URL": "http://127.0.0.1:8000"})

        assert running_environment(data_dir) == {
            "SLIPSTREAM_DATABASE_URL": instance.database_url,
            "SLIPSTREAM_REDIS_URL": instance.redis_url,
            "SLIPSTREAM_ADMIN_TOKEN": instance.admin_token,
            "SLIPSTREAM_BASE_URL": "http://127.0.0.1:8000",
        }

    assert not in_use(data_dir)
    with pytest.raises(EmbeddedError, match="No instance runs"):
        running_environment(data_dir)


def test_a_session_in_the_middle_of_a_statement_does_not_hold_up_a_restart(data_dir: Path) -> None:
    """A killed server's sessions hold its shared memory until their statement ends, which here is never."""
    with Instance(data_dir, profile=Profile.TEST).start() as instance:
        busy = busy_session(instance)

        instance.postgres.kill()
        instance.postgres.restart()
        busy.close()


def test_a_stopped_instance_leaves_no_session_of_a_killed_server(data_dir: Path, eventually: Eventually) -> None:
    with Instance(data_dir, profile=Profile.TEST).start() as instance:
        busy = busy_session(instance)
        cwd = Path(f"/proc/{busy.info.backend_pid}/cwd")
        assert cwd.readlink() == data_dir / "postgresql"

        instance.postgres.kill()

    with pytest.raises((FileNotFoundError, ProcessLookupError)):  # Gone, or ended and not yet waited for.
        cwd.readlink()
    busy.close()


def test_a_supervised_engine_comes_back_by_itself(data_dir: Path, eventually: Eventually) -> None:
    with Instance(data_dir, profile=Profile.TEST).start() as instance, Supervisor() as supervisor:
        supervisor.watch(instance.valkey)
        supervisor.watch(instance.postgres)
        write(instance)

        instance.valkey.kill()
        instance.postgres.kill(signal.SIGKILL)

        eventually(lambda: supervisor.restarts == {"valkey": 1, "postgresql": 1})
        instance.valkey.wait_ready()
        instance.postgres.wait_ready()
        assert read(instance) == ([(1,)], b"1")


def test_a_stopped_instance_has_no_address() -> None:
    with pytest.raises(EmbeddedError, match="not running"):
        _ = Instance(Path("/nowhere")).database_url


def busy_session(instance: Instance) -> psycopg.Connection:
    """A session in the middle of a statement that never ends."""
    connection = psycopg.connect(instance.database_url)
    connection.pgconn.send_query(b"DO $$ BEGIN LOOP NULL; END LOOP; END $$")
    connection.pgconn.flush()
    return connection


def write(instance: Instance) -> None:
    with psycopg.connect(instance.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    with redis.Redis.from_url(instance.redis_url) as client:
        client.set("kept", 1)


def read(instance: Instance) -> tuple[object, object]:
    with psycopg.connect(instance.database_url) as connection, redis.Redis.from_url(instance.redis_url) as client:
        return connection.execute("SELECT n FROM kept").fetchall(), client.get("kept")
