"""Whose figures a report is of: what is read for them, and which promises are in it."""

from __future__ import annotations

from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING

from app.core.telemetry.telemetry_store import SERVICE
from app.domain.filters import Filter, Source
from app.domain.predicates import Equal
from reporting.evaluation import request_store

if TYPE_CHECKING:
    from reporting.definitions.definition import Definition
    from reporting.reports.model import Scope


class UnknownScopeError(ValueError):
    """A scope of which nothing can be known."""


def check(scope: Scope) -> None:
    """Raise `UnknownScopeError` for an account's requests to a service that says itself who called."""
    if scope.account_id is not None and scope.service not in {None, SERVICE}:
        raise UnknownScopeError(
            f"requests are counted by account for service {SERVICE} alone; in those of {scope.service} accounts are claims"
        )


def rows_of(scope: Scope) -> request_store.Scope:
    """Return whose requests are read; a tier's are among them."""
    if scope.account_id is not None:
        return request_store.Scope(frozenset({SERVICE}), frozenset({scope.account_id}))
    return request_store.Scope(None if scope.service is None else frozenset({scope.service}), None)


def concerns_platform(scope: Scope) -> bool:
    """Say whether accounts and events of the platform itself are in it."""
    return scope.service in {None, SERVICE}


def restricted(definition: Definition, scope: Scope) -> Definition | None:
    """Return a definition as it counts in a scope; None when it is not of it.

    Of an account or a tier only requests are known apart. Those of an account are the ones to the platform itself.
    """
    if scope.service not in {None, definition.service}:
        return None
    conditions = {"tier": scope.tier, "account_id": scope.account_id}
    if scope.account_id is not None:
        conditions["service"] = SERVICE
    wanted = {field: value for field, value in conditions.items() if value is not None}
    if not wanted:
        return definition
    indicator = definition.indicator
    if indicator.source is not Source.REQUESTS:
        return None
    total = _narrowed(indicator.total, wanted)
    good, bad = (part and _narrowed(part, wanted) for part in (indicator.good, indicator.bad))
    if total is None or (good is None and bad is None):
        return None
    return replace(definition, indicator=replace(indicator, total=total, good=good, bad=bad))


def words_of(scope: Scope) -> str:
    """Return whom it is of, as a part of a title."""
    parts = [
        scope.service,
        None if scope.account_id is None else f"account {scope.account_id}",
        None if scope.tier is None else f"tier {scope.tier}",
    ]
    return ", ".join(part for part in parts if part is not None) or "all services"


def _narrowed(chosen: Filter, wanted: dict[str, str]) -> Filter | None:
    conditions = dict(chosen.conditions)
    for field, value in wanted.items():
        if field in conditions and not conditions[field].matches(value):
            return None
        conditions[field] = Equal(value)
    return Filter(chosen.source, tuple(sorted(conditions.items(), key=itemgetter(0))))
