from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from app.cli.main import VERBS, main


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_loads_and_explains_itself(verb: str) -> None:
    result = CliRunner().invoke(main, [verb, "--help"])

    assert result.exit_code == 0, result.output
    assert f"{verb} " in result.output.splitlines()[0]


def test_help_names_every_verb_without_importing_any() -> None:
    program = (
        "import sys, contextlib, io\n"
        "from app.cli.main import main\n"
        "out = io.StringIO()\n"
        "with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit): main(['--help'])\n"
        "print(out.getvalue())\n"
        "print(sorted(name for name in sys.modules if name.startswith('app.cli.')))\n"
        "print(sorted({'sqlalchemy', 'psycopg', 'flask', 'rich', 'structlog', 'msgspec', 'huey'} & set(sys.modules)))\n"
    )

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    *shown, ours, heavy = result.stdout.splitlines()
    assert set(VERBS) <= {line.split()[0] for line in shown if line.startswith("  ")}
    assert (ours, heavy) == ("['app.cli.main']", "[]")


def test_an_unknown_verb_is_wrong_usage() -> None:
    result = CliRunner().invoke(main, ["fly"])

    assert result.exit_code == 2
    assert "No such command" in result.stderr


def test_all_problems_of_the_settings_are_told_at_once_on_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLIPSTREAM_DATABASE_URL", raising=False)
    monkeypatch.setenv("SLIPSTREAM_REDIS_URL", "http://nonsense")
    monkeypatch.setenv("SLIPSTREAM_PORT", "70000")

    result = CliRunner().invoke(main, ["doctor"])

    assert result.exit_code == 2
    assert result.stdout == ""
    for name in ("DATABASE_URL", "REDIS_URL", "PORT"):
        assert f"SLIPSTREAM_{name}" in result.stderr


def test_a_directory_on_which_nothing_runs_is_wrong_usage(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["accounts", "list", "--data", str(tmp_path)])

    assert result.exit_code == 2
    assert "slipstream up" in result.stderr


def test_the_installed_command_is_this_one() -> None:
    command = Path(sys.executable).with_name("slipstream")

    result = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)

    assert result.stdout.startswith("slipstream, version ")


def test_a_mistake_of_our_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(main), "get_command", lambda *_: broken)

    assert isinstance(CliRunner().invoke(main, ["anything"]).exception, ZeroDivisionError)
