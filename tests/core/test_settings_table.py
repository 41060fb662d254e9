from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from app.core.settings import Settings, variable
from app.core.settings_table import settings_table, with_table

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_readme_has_the_table_of_settings_as_the_code_has_them() -> None:
    text = README.read_text(encoding="utf-8")

    assert with_table(text) == text, "run `make docs`"


def test_every_setting_has_a_row_with_a_sentence() -> None:
    rows = settings_table().splitlines()[2:]

    assert [row.split("`")[1] for row in rows] == [variable(item.name) for item in fields(Settings)]
    assert all(row.endswith(". |") for row in rows)


def test_a_default_that_is_empty_is_no_pair_of_backticks() -> None:
    assert "``" not in settings_table()
