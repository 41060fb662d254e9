"""Which routes of a service SLOs name, for those who count its requests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from reporting.definitions.load import load
from reporting.definitions.routes import routes_named

if TYPE_CHECKING:
    from reporting.definitions.definition import Definition

SLOS = Path(__file__).resolve().parent.parent / "slos"
"""The definitions as shipped."""


def shipped_text() -> str:
    """Return the definitions as shipped, and what they refer to, as one text."""
    return "\n---\n".join(path.read_text("utf-8") for path in sorted(SLOS.glob("*.yaml")))


@cache
def shipped_definitions() -> tuple[Definition, ...]:
    """Return the definitions as shipped, in the order of their names."""
    return tuple(sorted(load(shipped_text()).definitions, key=lambda definition: definition.name))


def shipped_routes(service: str) -> frozenset[str]:
    """Return the routes of a service that SLOs as shipped name."""
    return routes_named(shipped_definitions(), service)
