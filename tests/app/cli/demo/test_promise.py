"""The demo's promise: it fits its platform, and a number that is not that of the recount is told."""

from __future__ import annotations

from app.cli.demo.flights import EXAMPLES
from app.cli.demo.promise import LATE_MIN, NAME, Promise
from app.domain.filters import Source
from app.named_routes import shipped_text
from reporting.definitions.load import load


def promise(*, good: int, good_sent: int) -> Promise:
    return Promise(target=0.8, good=good, total=10, budget_left=0.5, good_sent=good_sent, total_sent=10)


def test_the_same_numbers_on_both_sides_are_as_promised() -> None:
    assert promise(good=8, good_sent=8).broken == []


def test_an_event_that_counts_wrongly_is_told() -> None:
    (sentence,) = promise(good=8, good_sent=9).broken

    assert "counts 8 of 10 flights as on time" in sentence


def test_the_slo_can_be_applied_beside_those_that_ship_and_says_what_the_recount_says() -> None:
    loaded = load((EXAMPLES / f"{NAME}.yaml").read_text(), load(shipped_text()).objects)

    assert loaded.findings == []
    (definition,) = loaded.definitions
    good = definition.indicator.good
    assert definition.name == NAME
    assert definition.indicator.source is Source.EVENTS
    assert good is not None
    assert good.matches({"type": "flight.departed", "payload": {"dep_delay": LATE_MIN - 1}})
    assert not good.matches({"type": "flight.departed", "payload": {"dep_delay": LATE_MIN}})
    assert not good.matches({"type": "flight.cancelled", "payload": {}})
