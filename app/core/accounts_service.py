"""Creating, finding and changing accounts: PostgreSQL first, then the mirror, then the answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import UNSET, Struct, UnsetType

from app.core import accounts_store, tiers_store
from app.core.accounts import LONGEST_NAME, Account, forward, is_name, revision
from app.core.erasure import erasures_store
from app.core.problems import FieldError, Problem, ProblemType
from app.core.tiers import TIER_NAME, Overrides
from app.domain.shards import ACCOUNT_ID, SHARDS

if TYPE_CHECKING:
    from datetime import datetime
    from typing import NoReturn

    from sqlalchemy import Connection

    from app.core.database import Database
    from app.core.mirror import AccountMirror


class NewAccount(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An account to create. `shard` null leaves its queue shard to its hash."""

    account_id: str
    name: str
    tier: str
    overrides: Overrides = Overrides()
    shard: int | None = None
    ordered: bool = False


class AccountChange(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to change of an account; what is left out stays. `overrides` replaces all that were."""

    name: str | UnsetType = UNSET
    tier: str | UnsetType = UNSET
    overrides: Overrides | UnsetType = UNSET
    shard: int | UnsetType | None = UNSET
    ordered: bool | UnsetType = UNSET


class _ErasedError(Exception):
    """An account of this id was erased."""


class Accounts:
    """Use cases of accounts. All raise `Problem` for what the caller may mend, and `DependencyError`.

    After a `DependencyError` a change may have been made; repeating it is safe, and completes it.
    """

    def __init__(self, database: Database, mirror: AccountMirror) -> None:
        self._database = database
        self._mirror = mirror

    def create(self, new: NewAccount, now: datetime) -> Account:
        """Create an account."""
        account = Account(
            account_id=new.account_id,
            name=new.name,
            tier=new.tier,
            overrides=new.overrides,
            named_shard=new.shard,
            ordered=new.ordered,
            created_at=now,
            updated_at=now,
        )
        try:
            self._insert(account)
        except _ErasedError:
            # The record has the id again, and is to lose it.
            with self._database.begin() as connection:
                erasures_store.open_again(connection, account.account_id, now)
            reason = "An account of this id was erased: the id is never given again."
            raise Problem(ProblemType.CONFLICT, reason) from None
        self._mirror.introduce(account.account_id, account.shard)
        self._mirror.write(account.account_id)
        return account

    def _insert(self, account: Account) -> None:
        with self._database.begin() as connection:
            _check(connection, account)
            if not accounts_store.insert_new(connection, account):
                raise Problem(ProblemType.CONFLICT, f"There is an account {account.account_id} already.")
            # Behind the insert, which has waited for whoever is closing the account that was called so.
            if erasures_store.of_account(connection, account.account_id) is not None:
                raise _ErasedError

    def get(self, account_id: str) -> Account:
        """Return an account."""
        if not ACCOUNT_ID.fullmatch(account_id):
            _missing(account_id)
        with self._database.begin() as connection:
            return accounts_store.find(connection, account_id) or _missing(account_id)

    def page(self, *, after: str = "", limit: int = 100) -> list[Account]:
        """Return accounts in the order of their ids, those that come after `after`, which is an id or empty."""
        if after and not ACCOUNT_ID.fullmatch(after):
            raise Problem(ProblemType.MALFORMED_REQUEST, "`after` is not the id of an account.")
        with self._database.begin() as connection:
            return accounts_store.page(connection, after=after, limit=limit)

    def change(self, account_id: str, change: AccountChange, now: datetime) -> Account:
        """Change an account. With another shard, what it has queued on the old one is still stored from there."""
        if not ACCOUNT_ID.fullmatch(account_id):
            _missing(account_id)
        with self._database.begin() as connection:
            # The tier's lock comes before the account's, as where a tier changes: no two wait for each other.
            if isinstance(change.tier, str) and TIER_NAME.fullmatch(change.tier):
                tiers_store.hold(connection, change.tier)
            before = accounts_store.find(connection, account_id, lock=True) or _missing(account_id)
            after = _changed(before, change, now)
            _check(connection, after)
            accounts_store.save(connection, after)
        if after.shard != before.shard:
            # First, so that nothing is admitted on the old one while the new one counts what lies there.
            self._mirror.remove(account_id, before.shard, revision(after.updated_at))
        self._mirror.write(account_id)
        return after


def _changed(account: Account, change: AccountChange, now: datetime) -> Account:
    return replace(
        account,
        name=account.name if isinstance(change.name, UnsetType) else change.name,
        tier=account.tier if isinstance(change.tier, UnsetType) else change.tier,
        overrides=account.overrides if isinstance(change.overrides, UnsetType) else change.overrides,
        named_shard=account.named_shard if isinstance(change.shard, UnsetType) else change.shard,
        ordered=account.ordered if isinstance(change.ordered, UnsetType) else change.ordered,
        updated_at=forward(now, account.updated_at),
    )


def _check(connection: Connection, account: Account) -> None:
    errors = []
    if not ACCOUNT_ID.fullmatch(account.account_id):
        rule = "must be 1 to 63 letters, digits, - and _, and begin with a letter or a digit"
        errors.append(FieldError(rule, field="account_id"))
    if not is_name(account.name):
        errors.append(FieldError(f"must be 1 to {LONGEST_NAME} printable characters", field="name"))
    if account.named_shard is not None and not 0 <= account.named_shard < SHARDS:
        errors.append(FieldError(f"must be from 0 to {SHARDS - 1}, or null", field="shard"))
    if not TIER_NAME.fullmatch(account.tier) or not tiers_store.hold(connection, account.tier):
        errors.append(FieldError("is not the name of a tier", field="tier"))
    if errors:
        raise Problem(ProblemType.INVALID_REQUEST, "The account is not valid.", tuple(errors))


def _missing(account_id: str) -> NoReturn:
    raise Problem(ProblemType.NOT_FOUND, f"There is no account {account_id}.")
