"""`SECURITY.md` says by which tests its lines are held; here it is held that they are there."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
RISKS = [f"API{number}" for number in range(1, 11)]


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED}))
def test_every_test_that_the_page_names_is_there(path: str) -> None:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}

    assert {name for named, name in NAMED if named == path} <= there


def test_every_risk_is_there_and_each_of_its_lines_names_a_test() -> None:
    checklist = PAGE[PAGE.index("## OWASP API Security Top 10 (2023)") :]
    risks = re.split(r"^### ", checklist, flags=re.MULTILINE)[1:]

    assert [risk.split(" ")[0] for risk in risks] == RISKS
    for risk in risks:
        lines = [line for line in risk.splitlines() if line.startswith("- ")]
        assert lines, risk
        assert [line for line in lines if "::test_" not in line] == []


def test_what_is_named_is_named_in_one_way_and_once() -> None:
    mentions = re.findall(r"`(tests/[^`]+)`", PAGE)

    assert [name for name, times in Counter(mentions).items() if times > 1] == []
    assert [name for name in mentions if not re.fullmatch(r"tests/[\w/]+\.py(::\w+)?", name)] == []


def test_the_readme_leads_there() -> None:
    assert "](SECURITY.md)" in (ROOT / "README.md").read_text("utf-8")
