"""Routes, accounts, tiers and reasons by which a service's requests are told apart: 500 of each, and routes that SLOs name.

Whoever writes them may invent a new one for every request (`/orders/17`), and every minute has a row for each. So what
comes after the first 500 counts as `__other__`. A route that an SLO names is always told apart, however late it comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.telemetry.ledger import OTHER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from app.core.telemetry.ledger import Observation

MOST_NAMES = 500
ROUTE, ACCOUNT, TIER, REASON = _KINDS = ("route", "account", "tier", "reason")

Name = tuple[str, str]
"""A kind, and the name."""


@dataclass(frozen=True, slots=True)
class Known:
    """Names that are told apart; `full` are the kinds of which no further one will be."""

    names: frozenset[Name] = frozenset()
    full: frozenset[str] = frozenset()

    def unsettled(self, names: Iterable[Name]) -> list[Name]:
        """Return the names, in their order, of which only the store knows whether they are told apart."""
        return [name for name in names if name not in self.names and name[0] not in self.full]

    def with_new(self, names: Iterable[Name]) -> tuple[Known, list[Name]]:
        """Take names in while there is room for their kind; returns what is known then, and those taken in."""
        counts = {kind: sum(1 for known, _ in self.names if known == kind) for kind in _KINDS}
        added: list[Name] = []
        for name in names:
            if name not in self.names and counts[name[0]] < MOST_NAMES:
                counts[name[0]] += 1
                added.append(name)
        full = frozenset(kind for kind, count in counts.items() if count >= MOST_NAMES)
        return Known(self.names.union(added), full), added


def names_of(observations: Iterable[Observation], named_routes: Collection[str]) -> list[Name]:
    """Return the names that need room, each once, in the order in which they come."""
    found: dict[Name, None] = {}
    for _, account_id, route, _, tier, _, reason, _ in observations:
        if account_id is not None and account_id != OTHER:
            found[ACCOUNT, account_id] = None
        if route != OTHER and route not in named_routes:
            found[ROUTE, route] = None
        if tier and tier != OTHER:
            found[TIER, tier] = None
        if reason and reason != OTHER:
            found[REASON, reason] = None
    return list(found)


def folded(
    observations: Mapping[Observation, int], known: Known, named_routes: Collection[str]
) -> dict[Observation, int]:
    """Count what has no name of its own as `__other__`."""
    routes = {name for kind, name in known.names if kind == ROUTE}.union(named_routes)
    accounts = {name for kind, name in known.names if kind == ACCOUNT}
    tiers = {name for kind, name in known.names if kind == TIER} | {""}
    reasons = {name for kind, name in known.names if kind == REASON} | {""}
    result: dict[Observation, int] = {}
    for (minute, account_id, route, method, tier, status, reason, bucket), requests in observations.items():
        observation = (
            minute,
            account_id if account_id is None or account_id in accounts else OTHER,
            route if route in routes else OTHER,
            method,
            tier if tier in tiers else OTHER,
            status,
            reason if reason in reasons else OTHER,
            bucket,
        )
        result[observation] = result.get(observation, 0) + requests
    return result
