"""The README's table of settings, made of the settings themselves: `python -m app.core.settings_table README.md`."""

from __future__ import annotations

import sys
from dataclasses import MISSING, fields
from pathlib import Path

from app.core.marks import written_between
from app.core.settings import Settings, variable


def settings_table() -> str:
    """Return a row of Markdown for each setting, in the order in which they are declared."""
    rows = [
        f"| `{variable(item.name)}` | {_default(item.default)} | {item.metadata['about']} |\n"
        for item in fields(Settings)
    ]
    return "".join(["| setting | default | what it is |\n", "|---|---|---|\n", *rows])


def with_table(text: str) -> str:
    """Return a text with the table between its two marks brought up to date."""
    return written_between(text, "settings", settings_table())


def _default(default: object) -> str:
    if default is MISSING:
        return "needed"
    if default in {None, ""}:
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


if __name__ == "__main__":
    readme = Path(sys.argv[1])
    readme.write_text(with_table(readme.read_text(encoding="utf-8")), encoding="utf-8")
