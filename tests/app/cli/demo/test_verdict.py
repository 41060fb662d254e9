from __future__ import annotations

from dataclasses import replace

import pytest

from app.cli.chaos.checker import DeadLetter, Evidence, Outcome
from app.cli.demo.verdict import balance_of, broken_claims, since

SENT = {"ua": {"1", "2", "3"}, "oo": {"1"}}
TRUE = Evidence(
    stored={"ua": {"1", "2", "3"}, "oo": {"1"}},
    rows={"ua": 3, "oo": 1},
    outcomes={"a": Outcome("ua", 3, 1, 0), "b": Outcome("oo", 1, 0, 0)},
    dead_letters=(),
    rollup_differences=(),
    accepted=5,
    in_flight=0,
    counted_in_flight=0,
)


def test_when_everything_is_stored_once_no_claim_is_broken() -> None:
    assert broken_claims(SENT, TRUE) == []
    assert balance_of(TRUE).missing == 0


@pytest.mark.parametrize(
    ("evidence", "sentence"),
    [
        (
            replace(TRUE, stored={**TRUE.stored, "oo": set()}, rows={"ua": 4}),
            "oo: 1 of 1 events are missing, such as 1",
        ),
        (
            replace(TRUE, stored={**TRUE.stored, "oo": {"1", "9"}}, rows={"ua": 3, "oo": 2}),
            "oo: 1 events were never sent",
        ),
        (replace(TRUE, rows={"ua": 4, "oo": 1}), "ua: 4 rows for 3 ids"),
        (
            replace(TRUE, dead_letters=(DeadLetter("ua", "a", "1", "refused-by-store", None),)),
            "1 events are in the dead",
        ),
        (replace(TRUE, accepted=6), "the balance is off by 1 events"),
        (replace(TRUE, rollup_differences=("ua differs",)), "ua differs"),
    ],
)
def test_a_broken_claim_is_named(evidence: Evidence, sentence: str) -> None:
    assert any(claim.startswith(sentence) for claim in broken_claims(SENT, evidence))


def test_what_was_there_before_is_not_asked_about() -> None:
    """Somebody has sent an event of his own, and one of another that died."""
    letter = DeadLetter("ua", "b", "8", "refused-by-store", None)
    before = replace(
        TRUE,
        stored={"ua": {"1", "own"}},
        rows={"ua": 2},
        outcomes={"b": Outcome("ua", 2, 0, 1)},
        dead_letters=(letter,),
        accepted=3,
    )
    after = replace(
        TRUE,
        stored={"ua": {"1", "2", "3", "own"}, "oo": {"1"}},
        rows={"ua": 4, "oo": 1},
        outcomes={**before.outcomes, "c": Outcome("ua", 2, 1, 0), "d": Outcome("oo", 1, 0, 0)},
        dead_letters=(letter,),
        accepted=7,
    )

    assert broken_claims(SENT, after, before) == []
    added = since(before, after)
    assert (added.accepted, added.stored, added.duplicates, added.dead) == (4, 3, 1, 0)


def test_what_was_there_before_and_is_gone_is_missing() -> None:
    before = replace(TRUE, stored={"ua": {"own"}}, rows={"ua": 1})

    assert any(
        claim.startswith("ua: 1 of 4 events are missing, such as own") for claim in broken_claims(SENT, TRUE, before)
    )
