from __future__ import annotations

from dataclasses import replace

import pytest

from app.cli.chaos.crowd.bearing import Borne, Rate, check_answers, check_borne, refused_shares
from app.cli.chaos.crowd.traffic import Ask

WELL = Borne(
    peak=Rate(1_100, 1.0),
    peak_after=Rate(900, 1.0),
    stored=Rate(900, 1.0),
    offered_per_s=3_000,
    refused={"free": 1.0, "standard": 0.4, "enterprise": 0.0},
    refusal_p50_ms=5,
    refusal_p99_ms=40,
    depth=0.9,
    calm_after_s=8,
)


def ask(account_id: str, status: int, problem: str = "") -> Ask:
    return Ask(account_id=account_id, client="", due_s=0, events=1, status=status, problem=problem)


def test_an_overload_that_was_borne_well_is_green() -> None:
    assert check_borne(WELL) == []


@pytest.mark.parametrize(
    ("spoilt", "rule"),
    [
        ({"stored": Rate(840, 1.0)}, "goodput below 85% of the peak"),
        ({"refusal_p50_ms": 51.0}, "refusals took longer than 50 ms"),
        ({"depth": 1.01}, "the queue was fuller than it may be"),
        ({"refused": {"free": 0.5, "enterprise": 0.6}}, "a higher tier was refused more than a lower one"),
        ({"refused": {"free": 0.0}}, "nobody was refused, so nothing was proven"),
        ({"calm_after_s": 15.1}, "refusals went on for more than 15 s"),
    ],
)
def test_each_promise_that_is_broken_is_found(spoilt: dict[str, object], rule: str) -> None:
    assert [finding.rule for finding in check_borne(replace(WELL, **spoilt))] == [rule]  # type: ignore[arg-type]


def test_what_the_machine_s_other_work_took_is_not_held_against_the_platform() -> None:
    assert check_borne(replace(WELL, stored=Rate(450, 0.5))) == []


def test_a_core_that_is_taken_away_makes_the_same_load_a_greater_overload() -> None:
    assert replace(WELL, peak=Rate(600, 0.6), stored=Rate(300, 0.4), offered_per_s=1_800).times_over == pytest.approx(
        4.5
    )


def test_shares_are_by_tier_and_only_of_honest_refusals() -> None:
    tiers = {"small": "free", "large": "enterprise"}
    asks = [ask("small", 202), ask("small", 503, "overloaded"), ask("large", 504, "timeout")]

    assert refused_shares(asks, tiers) == {"free": 0.5, "enterprise": 0.0}
    assert [finding.examples for finding in check_answers(asks)] == [("1 x 504 timeout",)]
