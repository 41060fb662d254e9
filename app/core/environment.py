"""Variables as they are given: in the environment, in a file of their own, or in a file of `NAME=value` lines.

What is wrong with one is added to `problems`, so that all can be told together.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def raw_value(name: str, given: Mapping[str, str], problems: list[str]) -> str | None:
    """Return the value of a variable, or what the file holds that `<name>_FILE` names; None when neither is set."""
    file_name = given.get(name + "_FILE")
    if file_name is None:
        return given.get(name) or None
    if given.get(name):
        problems.append(f"{name} and {name}_FILE are both set")
        return None
    try:
        return Path(file_name).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{name}_FILE cannot be read: {error}")
        return None


def with_file(environ: Mapping[str, str], prefix: str, problems: list[str]) -> dict[str, str]:
    """Return the environment, and beneath it the lines of the file that `<prefix>ENV_FILE` names."""
    file_name = environ.get(prefix + "ENV_FILE")
    if not file_name:
        return dict(environ)
    try:
        lines = Path(file_name).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{prefix}ENV_FILE cannot be read: {error}")
        return dict(environ)
    given: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.partition("=")
        if not equals or not name.strip().startswith(prefix):
            problems.append(f"{file_name}, line {number}: expected {prefix}NAME=value")
            continue
        given[name.strip()] = value.strip().strip('"')
    return given | dict(environ)
