"""`slipstream up` as people use it: start, make an account and a key, send a file, lose a process, stop, start again."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from app.cli.sample_events import sample_events
from app.client import CutError, Link
from app.proc import command_line, process_tree

if TYPE_CHECKING:
    from collections.abc import Iterator


PROGRAM = (sys.executable, "-m", "app.cli.main")
EVENTS = 2_500
PATIENCE_S = 60
ENVIRONMENT = {**os.environ, "SLIPSTREAM_RECLAIM_AFTER_S": "1", "SLIPSTREAM_API_PROCESSES": "1"}


@pytest.fixture
def data_dir() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="slipstream-e2e-"))
    yield directory
    shutil.rmtree(directory)


@contextmanager
def up(data_dir: Path, *options: str) -> Iterator[tuple[str, int]]:
    """The address and the process id of a running instance, which Ctrl-C must end in order."""
    argv = [*PROGRAM, "up", "--data", str(data_dir), "--port", "0", "--workers", "1", *options]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            address = next(found[0] for line in lines if (found := re.search(r"http://[0-9.:\[\]]+", line)))
            operator = next(line[line.index("export") :] for line in lines if "export" in line)
            assert accounts_status(operator) == "200"
            yield address, process.pid
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0


def accounts_status(operator: str) -> str:
    """Paste the line that `up` prints into a shell; return the status of the operator's request that follows."""
    program = (
        "import os, urllib.request as r; bearer = {'Authorization': 'Bearer ' + os.environ['ADMIN']}\n"
        "print(r.urlopen(r.Request(os.environ['URL'] + '/accounts', headers=bearer)).status)"
    )
    argv = ["sh", "-c", f'{operator}\nexec "$0" -c "$1"', sys.executable, program]
    return subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def slipstream(*arguments: str, **environment: str) -> str:
    argv = [*PROGRAM, *arguments]
    return subprocess.run(
        argv, env={**ENVIRONMENT, **environment}, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def refused(*arguments: str, **environment: str) -> str:
    """What a command says that fails."""
    environment = {**ENVIRONMENT, **environment}
    result = subprocess.run([*PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1, result.stderr
    return result.stderr


def total(address: str, key: str) -> int:
    """Events of the last day; -1 while there is no answer."""
    try:
        with Link(address, key=key) as link:
            answer = link.get("/accounts/shop/summary?window=24h")
    except CutError:
        return -1
    return int(answer.json()["total"]) if answer.status == 200 else -1


def wait_for_total(expected: int, address: str, key: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (found := total(address, key)) != expected:
        assert time.monotonic() < deadline, f"{found} events instead of {expected}"
        time.sleep(0.2)


def test_an_instance_takes_a_file_survives_a_kill_and_goes_on_where_it_was_stopped(
    data_dir: Path, tmp_path: Path
) -> None:
    file = tmp_path / "events.ndjson"
    events = sample_events(Random(1), EVENTS, at=datetime.now(UTC))
    file.write_text("".join(json.dumps(event) + "\n" for event in events))

    with up(data_dir) as (address, pid):
        slipstream("accounts", "create", "shop", "--tier", "enterprise", "--data", str(data_dir))
        key = slipstream("keys", "create", "shop", "--data", str(data_dir)).strip()
        sent = json.loads(slipstream("events", "send", str(file), "--url", address, "--json", SLIPSTREAM_KEY=key))
        (worker,) = [child for child in process_tree(pid) if command_line(child).rstrip().endswith(" worker")]
        os.kill(worker, signal.SIGKILL)
        again = json.loads(
            slipstream("events", "send", str(file), "--data", str(data_dir), "--json", SLIPSTREAM_KEY=key)
        )
        wait_for_total(EVENTS, address, key)
        instance_env = (data_dir / "instance.env").read_text()

    with up(data_dir) as (address, _):
        wait_for_total(EVENTS, address, key)

    assert (sent["accepted"], again["accepted"]) == (EVENTS, EVENTS)
    assert key not in instance_env
    logs = "".join(path.read_text() for path in data_dir.glob("*.log"))
    secrets = json.loads((data_dir / "secrets.json").read_text())
    assert not [name for name, secret in {**secrets, "key": key}.items() if secret in logs]


def test_an_instance_listens_where_it_is_told_and_shares_its_port_with_nobody(data_dir: Path) -> None:
    with up(data_dir, "--host", "::1") as (address, _):
        with Link(address) as link:
            assert link.get("/readyz").status == 200
        port = address.rpartition(":")[2]
        more = ["--host", "::1", "--port", port]
        stores = dict(line.split("=", 1) for line in (data_dir / "instance.env").read_text().splitlines())
        second = refused("up", "--data", str(data_dir / "second"), *more)
        alone = refused("serve", "--port", port, **stores, SLIPSTREAM_HOST="::1")

    assert address.startswith("http://[::1]:")
    assert second == alone == f"Error: Port {port} is in use by another program; give --port.\n"
