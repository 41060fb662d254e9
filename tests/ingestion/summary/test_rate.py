"""How often an account may ask for its summaries."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.core.accounts_service import AccountChange
from app.core.errors import DependencyUnavailableError
from app.core.shard_directory import ShardDirectory
from app.core.tiers import Overrides
from ingestion.admission.scripts import Scripts
from ingestion.summary.rate import SummaryRate
from tests.ingestion.admission.conftest import memory_limited
from tests.ingestion.summary_clients import get, make_client

if TYPE_CHECKING:
    import redis
    from flask.testing import FlaskClient

    from app.core.accounts_service import Accounts
    from app.core.authentication import Authenticator
    from app.core.database import Database
    from app.core.settings import Settings
    from app.core.valkey import Valkey
    from tests.conftest import World


@pytest.fixture
def client(database: Database, valkey: Valkey, authenticator: Authenticator) -> FlaskClient:
    return make_client(database, valkey, authenticator)


def test_an_account_may_ask_so_often_in_a_minute(
    client: FlaskClient, world: World, accounts: Accounts, redis_client: redis.Redis
) -> None:
    limits = Overrides(summaries_per_minute=2)
    accounts.change("acme", AccountChange(overrides=limits), datetime.now(UTC))

    first, second, third = (get(client, world.alice.key) for _ in range(3))

    assert [answer.status_code for answer in (first, second, third)] == [200, 200, 429]
    assert first.headers["RateLimit-Policy"] == third.headers["RateLimit-Policy"] == '"summaries_per_minute";q=2;w=60'
    assert first.headers["RateLimit"] == '"summaries_per_minute";r=1;t=30'
    assert third.headers["RateLimit"].startswith('"summaries_per_minute";r=0;')
    assert third.json is not None
    assert third.json["type"].endswith("/rate-limit-exceeded")
    assert third.json["limit"] == "summaries_per_minute"
    assert int(third.headers["Retry-After"]) == third.json["retry_after"] >= 1
    assert datetime.fromisoformat(third.json["resets_at"]) > datetime.now(UTC)
    assert get(client, world.bob.key, "bolt").status_code == 200


def test_the_limit_comes_before_the_store(
    nowhere: Database, valkey: Valkey, authenticator: Authenticator, world: World, accounts: Accounts
) -> None:
    accounts.change("acme", AccountChange(overrides=Overrides(summaries_per_minute=1)), datetime.now(UTC))
    client = make_client(nowhere, valkey, authenticator)

    assert [get(client, world.alice.key).status_code for _ in range(2)] == [503, 429]


def test_an_answer_that_the_client_has_counts_too(client: FlaskClient, world: World) -> None:
    etag = get(client, world.alice.key).headers["ETag"]

    again = get(client, world.alice.key, headers={"If-None-Match": etag})

    assert again.status_code == 304
    assert '"summaries_per_minute";r=' in again.headers["RateLimit"]


def test_a_question_that_cannot_be_answered_costs_nothing(
    client: FlaskClient, world: World, accounts: Accounts
) -> None:
    accounts.change("acme", AccountChange(overrides=Overrides(summaries_per_minute=1)), datetime.now(UTC))

    asked = [get(client, world.alice.key, query="window=1y") for _ in range(3)]

    assert [each.status_code for each in asked] == [400] * 3
    assert {each.headers["RateLimit"] for each in asked} == {'"summaries_per_minute";r=1;t=0'}
    assert get(client, world.alice.key).status_code == 200


def test_an_operator_is_not_limited(client: FlaskClient, world: World, settings: Settings) -> None:
    response = get(client, str(settings.admin_token))

    assert response.status_code == 200
    assert "RateLimit" not in response.headers


def test_many_at_once_get_as_many_as_there_are(valkey: Valkey, world: World, accounts: Accounts) -> None:
    accounts.change("acme", AccountChange(overrides=Overrides(summaries_per_minute=10)), datetime.now(UTC))
    rate = SummaryRate(Scripts(valkey, clock="local function clock() return 1e12 end"), ShardDirectory(valkey))
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: rate.take("acme", datetime.now(UTC)).wait_ms, range(40)))

    assert taken.count(0) == 10


def test_a_full_valkey_still_lets_people_read(valkey: Valkey, world: World, redis_client: redis.Redis) -> None:
    rate = SummaryRate(Scripts(valkey), ShardDirectory(valkey))

    with memory_limited(redis_client, 1):
        assert rate.take("acme", datetime.now(UTC)).wait_ms == 0


def test_without_its_limits_nothing_is_let_through(valkey: Valkey) -> None:
    rate = SummaryRate(Scripts(valkey), ShardDirectory(valkey))

    with pytest.raises(DependencyUnavailableError):
        rate.take("nobody", datetime.now(UTC))
