"""Lets one process at a time do what any could: whoever comes first, and nobody again for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.valkey import Valkey


class Turn:
    """A turn is taken at most once in `every_s`, by all processes together."""

    def __init__(self, valkey: Valkey, key: str, *, every_s: float) -> None:
        self._command = ("SET", key, "taken", "NX", "PX", round(every_s * 1_000))
        self._valkey = valkey

    def take(self) -> bool:
        """Tell whether it is ours. Raises `DependencyError`."""
        return self._valkey.execute(*self._command) is not None
