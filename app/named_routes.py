"""The definitions as shipped, and which routes of a service SLOs name, for those who count its requests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from app.core.errors import DependencyError
from reporting.definitions.routes import routes_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reporting.definitions.definition import Definition

SLOS = Path(__file__).resolve().parent.parent / "slos"
"""The definitions as shipped."""
LOOK_EVERY_S = 5.0

log = structlog.get_logger(__name__)


def shipped_text() -> str:
    """Return the definitions as shipped, and what they refer to, as one text."""
    return "\n---\n".join(path.read_text("utf-8") for path in sorted(SLOS.glob("*.yaml")))


class NamedRoutes:
    """Thread-safe. What is named by an SLO is told apart some seconds after it was applied, at the latest."""

    def __init__(
        self, in_force: Callable[[], Iterable[Definition]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._in_force = in_force
        self._clock = clock
        self._definitions: tuple[Definition, ...] = ()
        self._look_at = float("-inf")

    def __call__(self, service: str) -> frozenset[str]:
        """Return the routes of a service that SLOs in force name, as far as is known without PostgreSQL."""
        if self._clock() >= self._look_at:
            self._look_at = self._clock() + LOOK_EVERY_S
            try:
                self._definitions = tuple(self._in_force())
            except DependencyError as error:
                log.warning("named_routes_not_read", dependency=error.dependency, detail=error.detail)
        return routes_named(self._definitions, service)
