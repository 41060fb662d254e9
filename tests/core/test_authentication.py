from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.core import keyspace
from app.core.accounts_service import AccountChange, NewAccount
from app.core.authentication import OPERATOR, Authenticator, Principal
from app.core.database import Database
from app.core.errors import DependencyUnavailableError
from app.core.key_usage import KeyUsage
from app.core.keys import TENANT_SCOPES, Scope, new_key, parse_key
from app.core.mirror import AccountMirror
from app.core.problems import Problem, ProblemType
from app.core.shard_directory import ShardDirectory
from app.core.valkey import Valkey
from app.domain.shards import shard_of

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from app.core.accounts_service import Accounts
    from app.core.keys_service import Keys

NOW = datetime.now(UTC)
SHARD = shard_of("acme")
ADMIN_TOKEN = "the-token-of-the-operator"


@pytest.fixture
def key(accounts: Accounts, keys: Keys) -> str:
    accounts.create(NewAccount(account_id="acme", name="Acme", tier="standard"), NOW)
    return keys.create("acme", TENANT_SCOPES, now=NOW).text


def key_id_of(key: str) -> str:
    presented = parse_key(key)
    assert presented is not None
    return presented.key_id


def refusal(authenticator: Authenticator, authorization: str | None, now: datetime = NOW) -> Problem:
    with pytest.raises(Problem) as refused:
        authenticator.authenticate(authorization, now)
    return refused.value


def test_a_valid_key_stands_for_its_account(authenticator: Authenticator, key: str) -> None:
    assert authenticator.authenticate(f"Bearer {key}", NOW) == Principal(
        account_id="acme",
        key_id=key_id_of(key),
        scopes=TENANT_SCOPES,
        tier="standard",
        shard=SHARD,
    )


@pytest.mark.parametrize("header", ["bearer {}", "BEARER {}", "  Bearer   {} "])
def test_the_scheme_is_read_as_the_http_standard_says(authenticator: Authenticator, key: str, header: str) -> None:
    assert authenticator.authenticate(header.format(key), NOW).account_id == "acme"


def test_a_principal_has_the_scopes_of_its_key_and_no_other(
    authenticator: Authenticator, accounts: Accounts, keys: Keys
) -> None:
    accounts.create(NewAccount(account_id="acme", name="Acme", tier="free"), NOW)
    key = keys.create("acme", [Scope.SUMMARY_READ], now=NOW).text

    principal = authenticator.authenticate(f"Bearer {key}", NOW)

    assert principal.has("summary:read")
    assert not principal.has("events:write")
    assert not principal.has("admin")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", "Basic YWNtZTpzZWNyZXQ=", "slip.acme.x.y"])
def test_without_a_bearer_token_nobody_is_let_in(authenticator: Authenticator, header: str | None) -> None:
    assert refusal(authenticator, header).type is ProblemType.UNAUTHORIZED


def test_unknown_wrong_expired_and_revoked_keys_get_the_same_answer(
    authenticator: Authenticator, keys: Keys, key: str
) -> None:
    expiring = keys.create("acme", TENANT_SCOPES, now=NOW, expires_at=NOW + timedelta(hours=1)).text
    revoked = keys.create("acme", TENANT_SCOPES, now=NOW)
    keys.revoke(revoked.key.key_id, NOW)
    strangers = [
        "nonsense",
        "Ünïcode\udcff",
        new_key("acme").text,
        new_key("nobody").text,
        f"{key[:-1]}{'A' if key[-1] != 'A' else 'B'}",
        expiring,
        revoked.text,
    ]

    refusals = [refusal(authenticator, f"Bearer {text}", NOW + timedelta(hours=1)) for text in strangers]

    assert {problem.type for problem in refusals} == {ProblemType.UNAUTHORIZED}
    assert len({str(problem) for problem in refusals}) == 1


def test_a_refusal_does_not_repeat_what_was_shown(authenticator: Authenticator, key: str) -> None:
    wrong = new_key("acme").text

    assert wrong not in repr(refusal(authenticator, f"Bearer {wrong}"))


def test_a_key_is_let_in_until_the_second_before_its_end(authenticator: Authenticator, keys: Keys, key: str) -> None:
    end = (NOW + timedelta(hours=1)).replace(microsecond=0)
    expiring = keys.create("acme", TENANT_SCOPES, now=NOW, expires_at=end).text

    assert authenticator.authenticate(f"Bearer {expiring}", end - timedelta(microseconds=1))
    assert refusal(authenticator, f"Bearer {expiring}", end)


def test_a_revocation_holds_at_the_next_request(authenticator: Authenticator, keys: Keys, key: str) -> None:
    assert authenticator.authenticate(f"Bearer {key}", NOW)

    keys.revoke(key_id_of(key), NOW)

    assert refusal(authenticator, f"Bearer {key}")


def test_both_keys_are_let_in_during_the_overlap_of_a_rotation(
    authenticator: Authenticator, keys: Keys, key: str
) -> None:
    rotated = keys.rotate(key_id_of(key), timedelta(hours=1), now=NOW).text
    during, after = NOW + timedelta(minutes=59), NOW + timedelta(minutes=61)

    assert authenticator.authenticate(f"Bearer {key}", during).account_id == "acme"
    assert authenticator.authenticate(f"Bearer {rotated}", during).scopes == TENANT_SCOPES
    assert refusal(authenticator, f"Bearer {key}", after)
    assert authenticator.authenticate(f"Bearer {rotated}", after)


def test_the_admin_token_stands_for_the_operator(authenticator: Authenticator) -> None:
    principal = authenticator.authenticate(f"Bearer {ADMIN_TOKEN}", NOW)

    assert principal == Principal(account_id=None, key_id=OPERATOR, scopes=frozenset({"admin"}))


def test_without_an_admin_token_nobody_is_the_operator(
    database: Database, valkey: Valkey, mirror: AccountMirror
) -> None:
    closed = Authenticator(
        valkey=valkey, mirror=mirror, shards=ShardDirectory(valkey), usage=KeyUsage(database), admin_token=None
    )

    assert refusal(closed, "Bearer None")
    assert refusal(closed, f"Bearer {ADMIN_TOKEN}")


def test_a_lost_mirror_is_restored_by_the_request_that_misses_it(
    authenticator: Authenticator, key: str, redis_client: redis.Redis
) -> None:
    redis_client.flushall()

    assert authenticator.authenticate(f"Bearer {key}", NOW).account_id == "acme"
    assert redis_client.exists(keyspace.account_mirror(SHARD, "acme"))


def test_an_account_that_moved_to_another_shard_is_found_at_once(
    authenticator: Authenticator, accounts: Accounts, key: str
) -> None:
    authenticator.authenticate(f"Bearer {key}", NOW)
    other = (SHARD + 1) % 16

    accounts.change("acme", AccountChange(shard=other), NOW)

    assert authenticator.authenticate(f"Bearer {key}", NOW).shard == other


def test_a_mirrored_account_is_let_in_while_postgresql_is_away_and_another_is_not_refused(
    valkey: Valkey, key: str, tmp_path: Path
) -> None:
    gone = Database(f"postgresql://nobody@/none?host={tmp_path}")
    alone = Authenticator(
        valkey=valkey,
        mirror=AccountMirror(gone, valkey),
        shards=ShardDirectory(valkey),
        usage=KeyUsage(gone),
        admin_token=None,
    )

    assert alone.authenticate(f"Bearer {key}", NOW).account_id == "acme"
    with pytest.raises(DependencyUnavailableError):
        alone.authenticate(f"Bearer {new_key('unmirrored').text}", NOW)
    gone.close()


def test_without_valkey_nobody_is_let_in_or_refused(database: Database, tmp_path: Path, key: str) -> None:
    gone = Valkey(f"unix://{tmp_path}/none.sock")
    cut_off = Authenticator(
        valkey=gone,
        mirror=AccountMirror(database, gone),
        shards=ShardDirectory(gone),
        usage=KeyUsage(database),
        admin_token=None,
    )

    with pytest.raises(DependencyUnavailableError):
        cut_off.authenticate(f"Bearer {key}", NOW)


def test_a_valid_key_takes_one_round_trip(authenticator: Authenticator, key: str, redis_client: redis.Redis) -> None:
    authenticator.authenticate(f"Bearer {key}", NOW)
    redis_client.config_resetstat()

    authenticator.authenticate(f"Bearer {key}", NOW)

    commands = redis_client.info("commandstats")
    assert {name: stats["calls"] for name, stats in commands.items() if name != "cmdstat_config|resetstat"} == {
        "cmdstat_hget": 2
    }
