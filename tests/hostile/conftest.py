"""A platform as it ships, in a process of its own, for requests that mean harm; one for all tests of a module."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import redis
from prometheus_client import CollectorRegistry

from app.composition import Counting, compose_api
from app.core.accounts_service import Accounts, NewAccount
from app.core.database import Database
from app.core.keys import TENANT_SCOPES
from app.core.keys_service import Keys
from app.core.mirror import AccountMirror
from app.core.settings import Settings
from app.core.valkey import Valkey
from tests.app.served import Server, running
from tests.hostile.planting import Planting, plant
from tests.hostile.platform import PROXIES, Platform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.embedded.instance import Instance
    from tests.server import Databases

BODY_TIMEOUT_S = 2
TOKEN = "the-token-of-the-operator"


@pytest.fixture(scope="module")
def own_settings(databases: Databases, engines: Instance) -> Iterator[Settings]:
    """Settings on a database of this module's own."""
    with redis.Redis.from_url(engines.redis_url) as client:
        client.flushall()
    with databases.database() as url:
        yield Settings(database_url=url, redis_url=engines.redis_url, admin_token=TOKEN)


@pytest.fixture(scope="module")
def platform(own_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One process with its threads as they ship; who asks from this machine is a proxy, so that clients have addresses.

    Circuit breakers are kept out of it: they would end most attacks of an account after twenty requests.
    """
    keys = [account(own_settings, account_id) for account_id in ("acme", "bolt")]
    log = tmp_path_factory.mktemp("hostile") / "api.log"
    more = {
        "body_timeout_s": BODY_TIMEOUT_S,
        "trusted_proxies": PROXIES,
        "admin_token": TOKEN,
        "circuit_minimum": 100_000,
    }
    with running(Server(own_settings, log, **more)) as server:
        platform = Platform(server, log, *keys)
        assert platform.send_event() == 202
        yield platform


@pytest.fixture(scope="module")
def planted(own_settings: Settings, request: pytest.FixtureRequest) -> Iterator[Planting]:
    """A platform in this process, with hostile words in every field; a module's `PLANTED` says which."""
    key = account(own_settings, "acme")
    settings = replace(own_settings, circuit_minimum=100_000, status_services="shop", status_publish="always")
    api = compose_api(settings, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    database = Database(own_settings.database_url)
    try:
        planting = Planting(api.app, database, token=TOKEN, key=key, words=request.module.PLANTED)
        plant(planting)
        yield planting
    finally:
        database.close()
        api.close()


def account(settings: Settings, account_id: str) -> str:
    """Make an account without quotas, and return a key of it."""
    database, valkey = Database(settings.database_url), Valkey(settings.redis_url)
    try:
        mirror, now = AccountMirror(database, valkey), datetime.now(UTC)
        Accounts(database, mirror).create(NewAccount(account_id=account_id, name=account_id, tier="enterprise"), now)
        return Keys(database, mirror).create(account_id, TENANT_SCOPES, now=now).text
    finally:
        database.close()
        valkey.forget()
