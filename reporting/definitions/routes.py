"""The routes that definitions ask for by name: telemetry always tells these apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.predicates import Equal, OneOf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.domain.filters import Filter
    from app.domain.predicates import Predicate
    from reporting.definitions.definition import Definition


def routes_named(definitions: Iterable[Definition], service: str) -> frozenset[str]:
    """Return the routes that filters name which may count requests of a service."""
    return frozenset(
        route
        for definition in definitions
        for part in (definition.indicator.total, definition.indicator.good, definition.indicator.bad)
        if part is not None
        for route in _routes(part, service)
    )


def _routes(part: Filter, service: str) -> Iterator[str]:
    asked = dict(part.conditions)
    if "route" in asked and ("service" not in asked or asked["service"].matches(service)):
        yield from _values(asked["route"])


def _values(predicate: Predicate) -> Iterator[str]:
    members = predicate.members if isinstance(predicate, OneOf) else (predicate,)
    for member in members:
        if isinstance(member, Equal) and isinstance(member.value, str):
            yield member.value
