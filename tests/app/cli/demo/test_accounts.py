"""The demo's accounts on a platform where they are new, and where somebody has changed them since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.cli.demo.accounts import open_accounts
from app.cli.demo.flights import AIRLINES
from app.cli.demo.limits import OVER_ITS_TIER, OVER_TIER
from app.client import NO_HEADERS, Answer, Link
from app.platform import Platform, PlatformOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flask.testing import FlaskClient

    from app.core.settings import Settings


class Here(Link):
    """A link to an app in this process."""

    def __init__(self, client: FlaskClient, *, key: str) -> None:
        super().__init__("http://here", key=key)
        self._client = client

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = NO_HEADERS) -> Answer:
        response = self._client.open(path, method=method, data=body, headers={**self._headers, **headers})
        return Answer(response.status_code, dict(response.headers), response.data)


class Twin(Platform):
    """A platform of one process."""

    def __init__(self, data_dir: Path, client: FlaskClient, token: str) -> None:
        super().__init__(data_dir, PlatformOptions())
        self._client, self._token = client, token

    def admin(self) -> Here:
        return Here(self._client, key=self._token)


@pytest.fixture
def platform(tmp_path: Path, client: FlaskClient, settings: Settings) -> Twin:
    return Twin(tmp_path, client, settings.admin_token)


def test_each_airline_has_an_account_and_a_key(platform: Twin, client: FlaskClient) -> None:
    keys = open_accounts(platform)

    assert set(keys) == set(AIRLINES)
    usage = Here(client, key=keys["ua"]).call("GET", "/accounts/ua/usage")
    assert usage["tier"] == "standard"


def test_on_a_later_start_they_have_new_keys_and_the_limits_of_the_demo_again(
    platform: Twin, client: FlaskClient
) -> None:
    earlier = open_accounts(platform)
    change = {"tier": "enterprise", "overrides": {"events_burst": 1}}
    platform.admin().call("PATCH", f"/accounts/{OVER_ITS_TIER}", change)

    keys = open_accounts(platform)

    assert keys["ua"] != earlier["ua"]
    account = platform.admin().call("GET", f"/accounts/{OVER_ITS_TIER}")
    assert (account["tier"], account["overrides"]) == (OVER_TIER, {})
    for key in (keys["ua"], earlier["ua"]):
        assert Here(client, key=key).get("/accounts/ua/usage").status == 200
