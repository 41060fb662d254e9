from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app.core.settings import SettingsError
from app.run_directory import default_run_directory, metrics_directory

URL = "postgresql://slipstream:old@db/slipstream"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_each_start_finds_the_directory_of_the_one_before(temporary: Path) -> None:
    first = default_run_directory(URL)

    assert default_run_directory(URL.replace("old", "new")) == first
    assert first.parent == temporary / f"slipstream-run-{os.geteuid()}"
    assert stat.S_IMODE(first.stat().st_mode) == 0o700


def test_databases_have_directories_of_their_own() -> None:
    assert default_run_directory(URL) != default_run_directory(URL + "_2")


def test_a_directory_that_others_can_enter_is_refused(temporary: Path) -> None:
    (temporary / f"slipstream-run-{os.geteuid()}").mkdir()
    (temporary / f"slipstream-run-{os.geteuid()}").chmod(0o755)

    with pytest.raises(SettingsError, match="SLIPSTREAM_RUN_DIRECTORY"):
        default_run_directory(URL)


def test_a_link_is_refused(temporary: Path) -> None:
    (temporary / "elsewhere").mkdir(mode=0o700)
    (temporary / f"slipstream-run-{os.geteuid()}").symlink_to(temporary / "elsewhere")

    with pytest.raises(SettingsError):
        default_run_directory(URL)


def test_metrics_of_a_killed_process_are_removed_and_those_of_a_living_one_are_kept(temporary: Path) -> None:
    run = temporary / "run"
    program = (
        "import sys, time; from pathlib import Path; from app.run_directory import metrics_directory\n"
        f"with metrics_directory(Path({str(run)!r})) as own: print(own, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        left = Path(killed.stdout.readline().strip())
        with metrics_directory(run) as living:
            assert left.is_dir()
            killed.send_signal(signal.SIGKILL)
            killed.wait()
            with metrics_directory(run) as own:
                assert (left.exists(), living.exists(), own.exists()) == (False, True, True)
    assert list(run.iterdir()) == []
