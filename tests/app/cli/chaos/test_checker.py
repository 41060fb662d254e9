"""The checker must see each kind of broken promise: one that never went red proves nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.cli.chaos.checker import DeadLetter, Evidence, Outcome, check
from app.cli.chaos.history import Entry, History, HistoryLog, Kind, Receipt, read_history

if TYPE_CHECKING:
    from pathlib import Path


def history() -> History:
    """Two batches of acme: e1 and e2 acknowledged, e3 sent twice because the first answer never came."""
    return History(
        sent=defaultdict(set, acme={"e1", "e2", "e3"}),
        acknowledged=defaultdict(set, acme={"e1", "e2", "e3"}),
        receipts={"b1": Receipt("acme", 2), "b3": Receipt("acme", 1)},
        unknown=[Receipt("acme", 1)],
        answers=Counter({"202": 2, "cut": 1}),
    )


def evidence() -> Evidence:
    """What follows from it when all goes well and the first e3 did arrive."""
    return Evidence(
        stored={"acme": {"e1", "e2", "e3"}},
        rows={"acme": 3},
        outcomes={
            "b1": Outcome("acme", stored=2, duplicates=0, dead=0),
            "b2": Outcome("acme", stored=1, duplicates=0, dead=0),
            "b3": Outcome("acme", stored=0, duplicates=1, dead=0),
        },
        dead_letters=(),
        rollup_differences=(),
        accepted=4,
        in_flight=0,
        counted_in_flight=0,
    )


def rules(told: History, found: Evidence) -> set[str]:
    return {finding.rule for finding in check(told, found)}


def test_a_run_in_which_all_went_well_is_green() -> None:
    assert check(history(), evidence()) == []


def test_a_dead_letter_that_postgresql_refuses_is_an_honest_end() -> None:
    dead = DeadLetter("acme", "b1", "e2", "refused-by-store", refusal="invalid")
    found = replace(
        evidence(),
        stored={"acme": {"e1", "e3"}},
        rows={"acme": 2},
        outcomes={**evidence().outcomes, "b1": Outcome("acme", stored=1, duplicates=0, dead=1)},
        dead_letters=(dead,),
    )

    assert check(history(), found) == []
    assert rules(history(), replace(found, dead_letters=(replace(dead, refusal=None),))) == {
        "dead although PostgreSQL takes it"
    }
    assert "dead letters that differ from the outcome" in rules(history(), replace(found, dead_letters=()))


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (replace(evidence(), stored={"acme": {"e1", "e3"}}), "acknowledged but neither stored nor dead"),
        (replace(evidence(), rows={"acme": 4}), "stored twice"),
        (replace(evidence(), stored={"acme": {"e1", "e2", "e3", "e4"}}, rows={"acme": 4}), "stored but never sent"),
        (replace(evidence(), outcomes={"b1": evidence().outcomes["b1"]}), "batch not accounted for"),
        (
            replace(evidence(), outcomes={**evidence().outcomes, "b4": Outcome("acme", 0, 1, 0)}),
            "outcome of a batch nobody sent",
        ),
        (replace(evidence(), accepted=5), "balance off"),
        (replace(evidence(), in_flight=1), "balance off"),
        (replace(evidence(), counted_in_flight=1), "queue's counters differ from its streams"),
        (replace(evidence(), rollup_differences=("a minute",)), "rollup differs from a recount"),
    ],
)
def test_each_broken_promise_is_found(broken: Evidence, rule: str) -> None:
    assert rule in rules(history(), broken)


def test_a_batch_without_an_answer_and_an_error_without_advice_are_found() -> None:
    told = history()
    told.open.add("1-7")
    told.answers.update({"500": 1, "503 dependency-unavailable": 9})

    assert rules(told, evidence()) == {
        "batch never answered with 202",
        "answer that is neither 202 nor an honest refusal",
    }


def test_a_finding_counts_all_cases_and_shows_a_few() -> None:
    told = history()
    told.open |= {str(number) for number in range(100)}

    (finding,) = check(told, evidence())

    assert (finding.count, len(finding.examples)) == (100, 5)


def test_the_history_says_what_was_acknowledged_what_is_unknown_and_what_is_open(tmp_path: Path) -> None:
    with HistoryLog(tmp_path / "client-1.ndjson") as log:
        for batch, attempt, answer in (
            ("1", 1, {"kind": Kind.CUT, "problem": "reset"}),
            ("1", 2, {"kind": Kind.ANSWERED, "status": 202, "batch_id": "b1", "accepted": 2}),
            ("2", 1, {"kind": Kind.ANSWERED, "status": 504, "problem": "timeout"}),
            ("2", 2, {"kind": Kind.ANSWERED, "status": 503, "problem": "dependency-unavailable"}),
            ("2", 3, {"kind": Kind.ANSWERED, "status": 503, "problem": "overloaded"}),
            ("3", 1, None),
        ):
            ids = (f"{batch}a", f"{batch}b")
            log.write(
                Entry(kind=Kind.SENT, batch=batch, attempt=attempt, at_ms=1_000, account_id="acme", event_ids=ids)
            )
            if answer is not None:
                log.write(Entry(batch=batch, attempt=attempt, at_ms=1_040, **answer))

    told = read_history(tmp_path)

    assert told.sent == {"acme": {"1a", "1b", "2a", "2b", "3a", "3b"}}
    assert told.acknowledged == {"acme": {"1a", "1b"}}
    assert told.receipts == {"b1": Receipt("acme", 2)}
    assert told.unknown == [Receipt("acme", 2)] * 4, "an overload is known to have changed nothing"
    assert told.open == {"2", "3"}
    assert told.answers == dict.fromkeys(
        ("cut", "202", "504 timeout", "503 dependency-unavailable", "503 overloaded"), 1
    )
    assert told.slowest_ms == 40
