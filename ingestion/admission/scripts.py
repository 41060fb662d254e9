"""The scripts of admission, each put together of the rules that it needs."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from ingestion.limits.lua import SERVER_CLOCK, compose, rule

if TYPE_CHECKING:
    from app.core.valkey import Script, Valkey

_NEEDS = {
    "admit": ("token_bucket", "quota", "circuit_breaker", "fair_share", "key", "standing", "journal"),
    "circuit": ("token_bucket", "quota", "circuit_breaker", "standing", "journal"),
    "take_summary": ("token_bucket", "key"),
    "take_telemetry": ("token_bucket",),
    "usage": ("token_bucket", "quota", "circuit_breaker", "fair_share", "standing"),
    "overload": (),
    "queued": (),
    "restore_quota": (),
}
_OWN = frozenset({"key", "standing", "journal"})


class Scripts:
    """Makes the scripts of one Valkey. `clock` is the Lua function that tells them the time; tests have one to turn."""

    def __init__(self, valkey: Valkey, *, clock: str = SERVER_CLOCK) -> None:
        self._valkey = valkey
        self._clock = clock

    def make(self, name: str) -> Script:
        """Return a script of this package."""
        fragments = (_text(needed) if needed in _OWN else rule(needed) for needed in _NEEDS[name])
        return self._valkey.script(compose(_text(name), self._clock, *fragments))


@cache
def _text(name: str) -> str:
    return files("ingestion.admission").joinpath(f"{name}.lua").read_text("utf-8")
