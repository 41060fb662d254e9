"""The definitions as shipped, and which routes of a service SLOs name, for those who count its requests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reporting.definitions.routes import routes_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reporting.definitions.definition import Definition

SLOS = Path(__file__).resolve().parent.parent / "slos"
"""The definitions as shipped."""
LOOK_EVERY_S = 5.0


def shipped_text() -> str:
    """Return the definitions as shipped, and what they refer to, as one text."""
    return "\n---\n".join(path.read_text("utf-8") for path in sorted(SLOS.glob("*.yaml")))


class NamedRoutes:
    """Thread-safe. What an SLO names is told apart from the next look on, every `LOOK_EVERY_S`.

    Looks are beside the requests: those who count ask within a transaction, where nobody may wait for another connection.
    """

    def __init__(self, in_force: Callable[[], Iterable[Definition]]) -> None:
        self._in_force = in_force
        self._definitions: tuple[Definition, ...] = ()

    def look(self) -> None:
        """Read which SLOs are in force. Raises `DependencyError`; then those last read hold."""
        self._definitions = tuple(self._in_force())

    def __call__(self, service: str) -> frozenset[str]:
        """Return the routes of a service that SLOs named at the last look."""
        return routes_named(self._definitions, service)
