"""What the command does when it runs nothing: it lists, refuses, and shows the history of earlier runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from app.cli.chaos.catalogue import FAULTS
from app.cli.chaos.chronicle import Chronicle, StrikeLine
from app.cli.chaos.command import command

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

GREEN = StrikeLine(fault="kill-worker", round=1, requests=10, acknowledged=90, stored=90, first_202_s=0.1, drain_s=2.0)
RED = StrikeLine(fault="twins", round=1, requests=5, findings=("stored twice: 1 (x)",), directory="/kept")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


@pytest.fixture
def green(tmp_path: Path) -> str:
    return written(tmp_path / "green.ndjson", GREEN)


@pytest.fixture
def red(tmp_path: Path) -> str:
    return written(tmp_path / "red.ndjson", GREEN, RED)


def written(path: Path, *lines: StrikeLine) -> str:
    chronicle = Chronicle(path)
    for line in lines:
        chronicle.add(line)
    return str(path)


def test_every_fault_is_listed_with_what_it_does() -> None:
    listed = run("--list")

    assert [line.split()[0] for line in listed.output.splitlines()] == list(FAULTS)
    assert all(entry.fault.about in listed.output for entry in FAULTS.values())


def test_a_fault_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    refused = run("--fault", "lightning")

    assert refused.exit_code == 2
    assert "kill-worker" in refused.output


def test_a_history_without_a_broken_promise_is_green(green: str) -> None:
    shown = run("--from", green, "--json")

    assert shown.exit_code == 0
    assert json.loads(shown.output)["green"]
    assert json.loads(shown.output)["faults"][0]["drain_s"] == {"median": 2.0, "longest": 2.0}


def test_a_history_with_a_broken_promise_is_red_and_says_where_what_explains_it_is(red: str) -> None:
    shown = run("--from", red)

    assert shown.exit_code == 1
    assert "twins: stored twice: 1 (x) (/kept)" in shown.output


def test_a_history_in_which_nothing_was_run_proves_nothing(tmp_path: Path) -> None:
    assert run("--from", written(tmp_path / "empty.ndjson")).exit_code == 2

    (tmp_path / "empty.ndjson").touch()

    assert run("--from", str(tmp_path / "empty.ndjson")).exit_code == 1


def test_several_histories_make_one_page(green: str, red: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Ours\n\n<!-- measured -->\nold\n<!-- /measured -->\n\nThe end.\n")

    shown = run("--from", green, "--from", red, "--json", "--markdown", str(page))

    assert [one["green"] for one in json.loads(shown.stdout)] == [True, False]
    text = page.read_text()
    assert text.count("| fault | times |") == 2
    assert text.startswith("# Ours\n")
    assert text.endswith("\n\nThe end.\n")
    assert "old" not in text


def test_a_page_without_marks_is_refused_before_anything_is_run(green: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Ours\n")

    refused = run("--from", green, "--markdown", str(page))

    assert refused.exit_code == 2
    assert "--markdown" in refused.output
    assert "<!-- measured -->" in refused.output
    assert page.read_text() == "# Ours\n"
