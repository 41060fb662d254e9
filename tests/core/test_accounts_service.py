from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.core import keyspace
from app.core.accounts_service import AccountChange, NewAccount
from app.core.problems import Problem, ProblemType
from app.core.tiers import Overrides
from app.domain.shards import Lane, shard_of

if TYPE_CHECKING:
    import redis

    from app.core.accounts_service import Accounts
    from app.core.tiers_service import Tiers

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
ACME = NewAccount(account_id="acme", name="Acme, Inc. ✈", tier="standard")


def test_a_new_account_reads_back_as_it_was_made(accounts: Accounts) -> None:
    new = NewAccount(
        account_id="acme",
        name="Acme",
        tier="free",
        overrides=Overrides(daily_quota=None, lane="high"),
        shard=3,
        ordered=True,
    )

    created = accounts.create(new, NOW)

    assert accounts.get("acme") == created
    assert created.shard == 3
    assert created.overrides == new.overrides


def test_an_account_without_a_shard_is_on_that_of_its_hash(accounts: Accounts) -> None:
    assert accounts.create(ACME, NOW).shard == shard_of("acme")


def test_an_id_is_given_once(accounts: Accounts) -> None:
    accounts.create(ACME, NOW)

    with pytest.raises(Problem) as refused:
        accounts.create(NewAccount(account_id="acme", name="Another", tier="free"), NOW)

    assert refused.value.type is ProblemType.CONFLICT
    assert accounts.get("acme").name == ACME.name


def test_every_mistake_in_a_new_account_is_told_at_once(accounts: Accounts) -> None:
    with pytest.raises(Problem) as refused:
        accounts.create(NewAccount(account_id="../etc", name=" ", tier="gold", shard=16), NOW)

    assert refused.value.type is ProblemType.INVALID_REQUEST
    assert {error.field for error in refused.value.errors} == {"account_id", "name", "tier", "shard"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account_id", ""),
        ("account_id", "a" * 64),
        ("account_id", "a.b"),
        ("account_id", "a\n"),
        ("account_id", "a\0"),
        ("name", ""),
        ("name", "n" * 201),
        ("name", "a\nb"),
        ("name", "a\0b"),
        ("name", "\ud800"),
        ("name", "\u202egnp.exe"),
        ("tier", ""),
        ("tier", "free\0"),
        ("tier", "\ud800"),
        ("shard", -1),
    ],
)
def test_what_would_hurt_elsewhere_is_refused_at_the_door(accounts: Accounts, field: str, value: Any) -> None:
    given = {"account_id": "acme", "name": "Acme", "tier": "free", field: value}

    with pytest.raises(Problem) as refused:
        accounts.create(NewAccount(**given), NOW)

    assert [error.field for error in refused.value.errors] == [field]


@pytest.mark.parametrize("account_id", ["nobody", "no\0body", "\ud800", ""])
def test_an_account_that_does_not_exist_is_not_found(accounts: Accounts, account_id: str) -> None:
    with pytest.raises(Problem) as refused:
        accounts.get(account_id)
    assert refused.value.type is ProblemType.NOT_FOUND

    with pytest.raises(Problem) as refused:
        accounts.change(account_id, AccountChange(), NOW)
    assert refused.value.type is ProblemType.NOT_FOUND


def test_accounts_are_listed_in_pages_by_their_ids(accounts: Accounts) -> None:
    for name in ("c", "a", "d", "b"):
        accounts.create(NewAccount(account_id=name, name=name, tier="free"), NOW)

    first = accounts.page(limit=3)
    rest = accounts.page(after=first[-1].account_id, limit=3)

    assert [account.account_id for account in first] == ["a", "b", "c"]
    assert [account.account_id for account in rest] == ["d"]


def test_a_change_changes_what_it_names_and_nothing_else(accounts: Accounts) -> None:
    before = accounts.create(ACME, NOW)

    after = accounts.change("acme", AccountChange(tier="enterprise"), NOW + DAY)

    assert accounts.get("acme") == after == replace(before, tier="enterprise", updated_at=NOW + DAY)


def test_a_shard_of_null_goes_back_to_the_hash(accounts: Accounts, redis_client: redis.Redis) -> None:
    accounts.create(NewAccount(account_id="acme", name="Acme", tier="free", shard=0), NOW)
    assert redis_client.hgetall(keyspace.directory()) == {b"acme": b"0"}

    after = accounts.change("acme", AccountChange(shard=None), NOW)

    assert after.shard == shard_of("acme")
    assert redis_client.hgetall(keyspace.directory()) == {}
    assert not redis_client.exists(keyspace.account_mirror(0, "acme"))
    assert redis_client.exists(keyspace.account_mirror(shard_of("acme"), "acme"))


def test_a_change_to_an_unknown_tier_changes_nothing(accounts: Accounts) -> None:
    before = accounts.create(ACME, NOW)

    with pytest.raises(Problem):
        accounts.change("acme", AccountChange(tier="gold", name="Renamed"), NOW)

    assert accounts.get("acme") == before


def test_a_changed_tier_holds_for_every_account_in_it_at_once(
    accounts: Accounts, tiers: Tiers, redis_client: redis.Redis
) -> None:
    accounts.create(ACME, NOW)
    accounts.create(NewAccount(account_id="bolt", name="Bolt", tier="free"), NOW)
    own = Overrides(events_burst=7)
    accounts.create(NewAccount(account_id="corner", name="Corner", tier="standard", overrides=own), NOW)

    tiers.change("standard", Overrides(events_burst=5, daily_quota=None), NOW)

    mirrors = {
        name: redis_client.hmget(keyspace.account_mirror(shard_of(name), name), "events_burst", "daily_quota")
        for name in ("acme", "bolt", "corner")
    }
    assert mirrors == {"acme": [b"5", b""], "bolt": [b"2000", b"500000"], "corner": [b"7", b""]}


def test_a_tier_and_its_accounts_may_change_at_the_same_moment(
    accounts: Accounts, tiers: Tiers, redis_client: redis.Redis
) -> None:
    accounts.create(ACME, NOW)

    def change(number: int) -> None:
        if number % 2:
            accounts.change("acme", AccountChange(tier=("free", "standard")[number // 2 % 2]), NOW)
        else:
            tiers.change("standard", Overrides(events_burst=1 + number), NOW)

    with ThreadPoolExecutor(max_workers=4) as threads:
        list(threads.map(change, range(40)))

    account = accounts.get("acme")
    mirrored = redis_client.hget(keyspace.account_mirror(account.shard, "acme"), "events_burst")
    assert int(mirrored or 0) == tiers.get(account.tier).limits.events_burst


def test_a_tier_can_be_made_and_replaced(accounts: Accounts, tiers: Tiers) -> None:
    limits = replace(tiers.get("free").limits, lane=Lane.HIGH, monthly_quota=None)

    assert tiers.put("trial", limits, NOW)
    assert tiers.get("trial").limits == limits
    assert not tiers.put("trial", replace(limits, events_burst=1), NOW)
    assert tiers.get("trial").limits.events_burst == 1
    assert [tier.name for tier in tiers.every()] == ["free", "trial", "standard", "enterprise"]


@pytest.mark.parametrize("name", ["", "Free", "a b", "a\0", "\ud800", "x" * 64])
def test_a_tier_needs_a_name_that_is_one(tiers: Tiers, name: str) -> None:
    with pytest.raises(Problem) as refused:
        tiers.put(name, tiers.get("free").limits, NOW)
    assert refused.value.type is ProblemType.INVALID_REQUEST

    with pytest.raises(Problem) as refused:
        tiers.get(name)
    assert refused.value.type is ProblemType.NOT_FOUND

    with pytest.raises(Problem) as refused:
        tiers.change(name, Overrides(), NOW)
    assert refused.value.type is ProblemType.NOT_FOUND
