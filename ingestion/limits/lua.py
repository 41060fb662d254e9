"""The scripts' share of the rules: each rule is written once, and scripts are put together from the rules they need."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

SERVER_CLOCK = """
-- The server's time in milliseconds since 1970, the same throughout a script.
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
"""


@cache
def rule(name: str) -> str:
    """Return the functions of a rule, such as `token_bucket`."""
    return files("ingestion.limits").joinpath(f"{name}.lua").read_text("utf-8")


def compose(script: str, *fragments: str) -> str:
    """Put fragments before a script, behind its own first line, which says what it may do: `#!lua flags=…`."""
    shebang, _, body = script.partition("\n")
    if not shebang.startswith("#!lua"):
        raise ValueError("a script begins with #!lua")
    return "\n".join([shebang, *fragments, body])
