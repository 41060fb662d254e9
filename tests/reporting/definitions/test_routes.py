"""The routes that definitions name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain.filters import Source, parse
from reporting.definitions.definition import Indicator
from reporting.definitions.load import load
from reporting.definitions.routes import routes_named

if TYPE_CHECKING:
    from reporting.definitions.definition import Definition

DIRECTORY = Path(__file__).resolve().parents[3] / "slos"


def with_filter(definition: Definition, **conditions: object) -> Definition:
    asked = parse(Source.REQUESTS, conditions)
    return replace(definition, indicator=Indicator(name="i", total=asked, good=asked))


def shipped() -> list[Definition]:
    return load("\n---\n".join(path.read_text() for path in sorted(DIRECTORY.glob("*.yaml")))).definitions


def test_the_slos_as_shipped_name_routes_of_the_platform_alone() -> None:
    assert routes_named(shipped(), "slipstream") == {"/events", "/accounts/{id}/summary"}
    assert routes_named(shipped(), "checkout") == frozenset()


def test_a_filter_without_a_service_is_about_each() -> None:
    definition = shipped()[0]
    definitions = [
        with_filter(definition, route=["/pay", "/refund"]),
        with_filter(definition, service="search", route="/q"),
        with_filter(definition, service="search"),
    ]

    assert routes_named(definitions, "checkout") == {"/pay", "/refund"}
    assert routes_named(definitions, "search") == {"/pay", "/refund", "/q"}
