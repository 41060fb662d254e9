"""The Lua scripts, which lie beside this module as files."""

from __future__ import annotations

from functools import cache
from importlib import resources

from app.core.queue import lua


@cache
def source(name: str) -> str:
    """Return the text of the script *name*."""
    return resources.files(lua).joinpath(f"{name}.lua").read_text("utf-8")
