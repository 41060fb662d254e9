"""The ledger: rows that only grow, for minutes that are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.telemetry.ledger import Ledger, Row, RowKey

if TYPE_CHECKING:
    from app.core.telemetry.ledger import Observation

MINUTE = 29_000_000


def seen(minute: int = MINUTE, account: str | None = "acme", status: int = 200, bucket: int | None = 7) -> Observation:
    return (minute, account, "/events", "POST", "free", status, "", bucket)


def service_row(ledger: Ledger) -> Row:
    (row,) = [row for row in ledger.unwritten() if row.key.account_id is None]
    return row


def test_a_request_of_an_account_counts_for_the_account_and_for_the_service() -> None:
    ledger = Ledger()

    ledger.add({seen(account="acme"): 2, seen(account="bolt"): 3, seen(account=None): 1})

    assert {row.key.account_id: row.requests for row in ledger.unwritten()} == {None: 6, "acme": 2, "bolt": 3}


def test_a_row_holds_its_histogram_sorted_by_bucket() -> None:
    ledger = Ledger()

    ledger.add({seen(bucket=900): 1, seen(bucket=7): 2, seen(bucket=None): 4})

    row = service_row(ledger)
    assert row == Row(RowKey(MINUTE, None, "/events", "POST", "free", 200, ""), 7, (7, 900), (2, 1))


def test_a_row_is_the_count_since_its_minute_began_not_since_the_last_write() -> None:
    ledger = Ledger()
    ledger.add({seen(): 2})
    ledger.written(ledger.unwritten())
    assert ledger.unwritten() == []

    ledger.add({seen(): 1})

    assert service_row(ledger).requests == 3
    assert service_row(ledger).counts == (3,)


def test_a_closed_minute_is_forgotten_once_it_is_written() -> None:
    ledger = Ledger()
    ledger.add({seen(): 1})

    ledger.close_minutes(MINUTE + 1)
    assert service_row(ledger).requests == 1

    ledger.written(ledger.unwritten())
    ledger.close_minutes(MINUTE + 1)
    assert ledger.unwritten() == []


def test_what_comes_late_for_a_closed_minute_counts_in_the_oldest_open_one() -> None:
    ledger = Ledger()
    ledger.add({seen(): 5})
    ledger.written(ledger.unwritten())
    ledger.close_minutes(MINUTE + 1)

    ledger.add({seen(minute=MINUTE): 1})

    assert service_row(ledger).key.minute == MINUTE + 1


def test_when_there_are_too_many_rows_accounts_are_given_up_and_the_loss_is_counted() -> None:
    ledger = Ledger(max_account_rows=1)

    ledger.add({seen(account="acme"): 2, seen(account="bolt"): 3})

    assert {row.key.account_id: row.requests for row in ledger.unwritten()} == {None: 5, "acme": 2}
    assert ledger.overflowed == 3
