from __future__ import annotations

from app.cli.chaos.crowd.fairness import (
    NEIGHBOUR_REFUSED,
    NEIGHBOUR_WAITED,
    NO_BACKLOG,
    NOT_STORED,
    WHALE_OVER_LIMIT,
    Allowance,
    Queueing,
    check_circuit,
    check_not_refused,
    check_queueing,
    check_rate,
    check_stored,
    queueing,
)
from app.cli.chaos.crowd.service_store import Served, Service
from app.cli.chaos.crowd.traffic import Ask

BATCH = 100


def ask(account_id: str, status: int = 202, problem: str = "", *, at_s: float = 0.0, number: int = 0) -> Ask:
    batch_id = f"07n-{number}-0" if status == 202 else ""
    return Ask(
        account_id=account_id,
        client="",
        due_s=at_s,
        sent_s=at_s,
        took_s=0.0,
        status=status,
        problem=problem,
        batch_id=batch_id,
        events=BATCH,
    )


def service(*batches: tuple[str, float, float]) -> Service:
    """Batches as account, received and stored."""
    served = {
        f"07n-{n}-0": Served(f"07n-{n}-0", who, BATCH, 0, at, stored) for n, (who, at, stored) in enumerate(batches)
    }
    rows: dict[str, int] = {}
    for batch in served.values():
        rows[batch.account_id] = rows.get(batch.account_id, 0) + BATCH
    return Service(served, rows)


def test_any_429_and_503_of_a_neighbour_is_found_and_those_of_others_are_not() -> None:
    asks = [ask("small"), ask("small", 503, "overloaded"), ask("whale", 429), ask("small", 429, "quota-exceeded")]

    (finding,) = check_not_refused(asks, {"small"})

    assert (finding.rule, finding.count) == (NEIGHBOUR_REFUSED, 2)


def test_a_whale_may_have_its_burst_and_its_rate_and_no_event_more() -> None:
    allowance = Allowance(per_minute=6_000, burst=100)
    asks = [ask("whale", at_s=0), ask("whale", at_s=0.5, status=429), ask("whale", at_s=1)]

    assert check_rate(asks, "whale", allowance) == []
    assert [f.rule for f in check_rate([*asks, ask("whale", at_s=1)], "whale", allowance)] == [WHALE_OVER_LIMIT]


def test_what_an_open_circuit_refuses_does_not_count_as_read() -> None:
    asks = [ask("broken", 400, "malformed-json")] * 3 + [ask("broken", 503, "circuit-open")] * 50

    assert check_circuit(asks, "broken", read_at_most=3) == []
    assert len(check_circuit(asks, "broken", read_at_most=2)) == 1


def test_what_went_before_a_neighbour_is_counted_out_of_what_waited_when_it_came() -> None:
    seen = queueing(
        service(
            ("whale", 1, 1.5),
            ("whale", 2, 4),
            ("whale", 2.5, 5),
            ("whale", 2.6, 9),
            ("whale", 3.5, 4.5),
            ("small", 3, 6),
        ),
        "whale",
        {"small"},
    )

    # One was stored already, one stays behind, one came later.
    assert seen == Queueing(backlog=3 * BATCH, overtaken_by=2 * BATCH)


def test_a_wait_behind_more_than_allowed_is_found_and_so_is_a_run_without_a_backlog() -> None:
    assert check_queueing(Queueing(backlog=900, overtaken_by=100), at_most=100) == []
    assert [f.rule for f in check_queueing(Queueing(900, 101), at_most=100)] == [NEIGHBOUR_WAITED]
    assert [f.rule for f in check_queueing(Queueing(150, 100), at_most=100)] == [NO_BACKLOG]


def test_a_batch_that_is_missing_or_stored_in_part_and_a_row_too_many_are_found() -> None:
    stored = service(("small", 1, 2))

    assert check_stored([ask("small", number=0)], stored) == []
    (missing,) = check_stored([ask("small", number=1)], stored)
    (double,) = check_stored([], Service(stored.batches, {"small": BATCH + 1}))
    assert missing.rule == double.rule == NOT_STORED
