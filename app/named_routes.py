"""The definitions as shipped, and which routes of a service SLOs name, for those who count its requests."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from reporting.definitions.routes import routes_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reporting.definitions.definition import Definition

SLOS = "slos"
"""The package of the definitions as shipped."""
LOOK_EVERY_S = 5.0


def shipped_text() -> str:
    """Return the definitions as shipped, and what they refer to, as one text.

    Raises `FileNotFoundError` when there are none: without them nothing would be promised, and nobody ever told.
    """
    shipped = sorted(each.name for each in files(SLOS).iterdir() if each.name.endswith(".yaml"))
    if not shipped:
        raise FileNotFoundError(f"the package {SLOS} has no definitions")
    return "\n---\n".join(files(SLOS).joinpath(name).read_text("utf-8") for name in shipped)


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
