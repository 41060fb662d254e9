from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.core.accounts_service import NewAccount
from app.core.keys import LONGEST_LIFE, LONGEST_OVERLAP, MOST_KEYS, TENANT_SCOPES, KeyState, Scope
from app.core.problems import FieldError, Problem, ProblemType

if TYPE_CHECKING:
    from app.core.accounts_service import Accounts
    from app.core.database import Database
    from app.core.keys_service import Keys

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def acme(accounts: Accounts) -> None:
    accounts.create(NewAccount(account_id="acme", name="Acme", tier="standard"), NOW)


def fields(problem: Problem) -> set[str | None]:
    return {error.field for error in problem.errors if isinstance(error, FieldError)}


def test_of_a_secret_nothing_but_its_digest_reaches_postgresql(keys: Keys, database: Database) -> None:
    issued = keys.create("acme", TENANT_SCOPES, now=NOW)
    secret = issued.text.rpartition(".")[2]

    with database.begin() as connection:
        row = connection.execute(text("SELECT CAST(k AS text) AS line, digest FROM api_keys k")).one()

    assert row.digest == issued.key.digest
    assert secret not in row.line
    assert secret not in repr(issued)


def test_keys_are_listed_newest_first_with_what_became_of_them(keys: Keys) -> None:
    oldest = keys.create("acme", [Scope.ADMIN], now=NOW).key
    expiring = keys.create("acme", TENANT_SCOPES, now=NOW + DAY, expires_at=NOW + 2 * DAY).key
    keys.revoke(oldest.key_id, NOW + DAY)

    listed = keys.of_account("acme")

    assert [key.key_id for key in listed] == [expiring.key_id, oldest.key_id]
    assert [key.state(NOW + 3 * DAY) for key in listed] == [KeyState.EXPIRED, KeyState.REVOKED]
    assert listed[1].scopes == {Scope.ADMIN}


@pytest.mark.parametrize("account_id", ["nobody", "no\0body", ""])
def test_the_keys_of_an_account_that_does_not_exist_are_not_found(keys: Keys, account_id: str) -> None:
    with pytest.raises(Problem) as refused:
        keys.of_account(account_id)

    assert refused.value.type is ProblemType.NOT_FOUND


def test_every_mistake_in_a_new_key_is_told_at_once(keys: Keys) -> None:
    with pytest.raises(Problem) as refused:
        keys.create("nobody", [], now=NOW, expires_at=NOW)

    assert refused.value.type is ProblemType.INVALID_REQUEST
    assert fields(refused.value) == {"account_id", "scopes", "expires_at"}


@pytest.mark.parametrize(
    "expires_at",
    [
        NOW - DAY,
        NOW + LONGEST_LIFE + DAY,
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=14))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    ],
)
def test_an_end_in_the_past_or_absurdly_far_away_is_refused(keys: Keys, expires_at: datetime) -> None:
    with pytest.raises(Problem) as refused:
        keys.create("acme", TENANT_SCOPES, now=NOW, expires_at=expires_at)

    assert fields(refused.value) == {"expires_at"}


def test_an_account_has_a_bounded_number_of_usable_keys(keys: Keys) -> None:
    first = keys.create("acme", TENANT_SCOPES, now=NOW).key
    for _ in range(MOST_KEYS - 1):
        keys.create("acme", TENANT_SCOPES, now=NOW)

    with pytest.raises(Problem) as refused:
        keys.create("acme", TENANT_SCOPES, now=NOW)
    assert refused.value.type is ProblemType.CONFLICT

    keys.revoke(first.key_id, NOW)
    assert keys.create("acme", TENANT_SCOPES, now=NOW)


def test_keys_made_at_the_same_moment_are_all_counted(keys: Keys) -> None:
    for _ in range(MOST_KEYS - 2):
        keys.create("acme", TENANT_SCOPES, now=NOW)

    def create(_: int) -> bool:
        try:
            keys.create("acme", TENANT_SCOPES, now=NOW)
        except Problem:
            return False
        return True

    with ThreadPoolExecutor(max_workers=4) as threads:
        assert sum(threads.map(create, range(4))) == 2


def test_a_rotation_keeps_the_scopes_and_ends_the_old_key_after_the_overlap(keys: Keys) -> None:
    old = keys.create("acme", [Scope.SUMMARY_READ], now=NOW).key

    new = keys.rotate(old.key_id, DAY, now=NOW).key

    listed = {key.key_id: key for key in keys.of_account("acme")}
    assert new.scopes == {Scope.SUMMARY_READ}
    assert listed[new.key_id].expires_at is None
    assert listed[old.key_id].expires_at == (NOW + DAY).replace(microsecond=0)


def test_a_rotation_repeated_during_the_overlap_does_not_extend_it(keys: Keys) -> None:
    old = keys.create("acme", TENANT_SCOPES, now=NOW).key
    keys.rotate(old.key_id, DAY, now=NOW)
    keys.rotate(old.key_id, DAY, now=NOW + DAY / 2)

    listed = {key.key_id: key for key in keys.of_account("acme")}

    assert listed[old.key_id].expires_at == (NOW + DAY).replace(microsecond=0)


@pytest.mark.parametrize("overlap", [-timedelta(seconds=1), LONGEST_OVERLAP + timedelta(seconds=1)])
def test_an_overlap_that_is_none_is_refused(keys: Keys, overlap: timedelta) -> None:
    old = keys.create("acme", TENANT_SCOPES, now=NOW).key

    with pytest.raises(Problem) as refused:
        keys.rotate(old.key_id, overlap, now=NOW)

    assert fields(refused.value) == {"overlap_seconds"}


def test_a_key_that_has_ended_cannot_be_rotated(keys: Keys) -> None:
    revoked = keys.create("acme", TENANT_SCOPES, now=NOW).key
    keys.revoke(revoked.key_id, NOW)
    expired = keys.create("acme", TENANT_SCOPES, now=NOW, expires_at=NOW + DAY).key

    for key in (revoked, expired):
        with pytest.raises(Problem) as refused:
            keys.rotate(key.key_id, DAY, now=NOW + DAY)
        assert refused.value.type is ProblemType.CONFLICT


@pytest.mark.parametrize("key_id", ["0" * 12, "nonsense", "", "\0" * 12])
def test_a_key_that_does_not_exist_is_not_found(keys: Keys, key_id: str) -> None:
    for use in (lambda: keys.revoke(key_id, NOW), lambda: keys.rotate(key_id, DAY, now=NOW)):
        with pytest.raises(Problem) as refused:
            use()
        assert refused.value.type is ProblemType.NOT_FOUND


def test_revoking_again_keeps_the_first_instant(keys: Keys) -> None:
    key = keys.create("acme", TENANT_SCOPES, now=NOW).key
    keys.revoke(key.key_id, NOW)
    keys.revoke(key.key_id, NOW + DAY)

    (listed,) = keys.of_account("acme")

    assert listed.revoked_at == NOW
