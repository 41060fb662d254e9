from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from joserfc.jwk import RSAKey
from prometheus_client import CollectorRegistry

from app.composition import Counting, compose_api
from app.core.audit import Audit
from app.core.audit_entry import Actor
from app.core.login_throttle import MOST_FROM_ADDRESS
from app.core.passwords import Passwords
from app.core.roles import Role, role_of, roles_by_group
from app.core.users_service import Users
from tests.dashboards.web.people import stranger, text_of
from tests.dashboards.web.provider import CLIENT_ID, CLIENT_SECRET, provided

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from app.core.database import Database
    from app.core.settings import Settings
    from tests.dashboards.web.people import Person
    from tests.dashboards.web.provider import Provider


@pytest.fixture(scope="module")
def shared() -> Iterator[Provider]:
    with provided() as provider:
        yield provider


@pytest.fixture
def provider(shared: Provider) -> Provider:
    """The one provider, which says again what it said at first."""
    shared.claims = {"sub": "7", "preferred_username": "mia", "groups": ["sre"]}
    shared.spoil, shared.asked, shared.codes = {}, [], {}
    shared.key, shared.algorithm = shared.published, "RS256"
    return shared


@pytest.fixture
def nobody(settings: Settings, provider: Provider) -> Iterator[Person]:
    there = replace(
        settings,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_roles="sre=oncall, platform=admin",
        outgoing_networks="127.0.0.1/32",
    )
    api = compose_api(there, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    yield stranger(api.app)
    api.close()


def come_back(nobody: Person, provider: Provider) -> TestResponse:
    """Sign in there, and come back."""
    back = provider.authorize(nobody.get("/ui/login/oidc").location)
    return nobody.get(back.removeprefix("http://127.0.0.1:8080"))


def test_somebody_signs_in_where_the_organisation_does(nobody: Person, provider: Provider, database: Database) -> None:
    assert "Sign in with your organisation" in text_of(nobody.get("/ui/login"))

    answer = come_back(nobody, provider)

    assert (answer.status_code, answer.location) == (303, "/ui/")
    assert "mia oncall" in text_of(nobody.get("/ui/"))
    actions = [(entry.action, entry.subject) for entry in Audit(database).page(limit=5)]
    assert actions == [("sessions.open", "mia"), ("users.create", "mia")]


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/ui/slos?range=1d", "/ui/slos?range=1d"),
        ("//evil.example/", "/ui/"),
        ("/ui/" + "x" * 5_000, "/ui/"),
    ],
    ids=["ours", "another's", "too long for a cookie"],
)
def test_who_signs_in_comes_to_the_page_that_he_wanted(
    nobody: Person, provider: Provider, wanted: str, reached: str
) -> None:
    form = nobody.get(f"/ui/login?next={quote(wanted, safe='')}")
    (link,) = re.findall(r'href="(/ui/login/oidc[^"]*)"', form.text)
    back = provider.authorize(nobody.get(unescape(link)).location)

    assert nobody.get(back.removeprefix("http://127.0.0.1:8080")).location == reached


def test_another_group_is_another_role_the_next_time(nobody: Person, provider: Provider) -> None:
    come_back(nobody, provider)
    provider.claims = {**provider.claims, "groups": ["sre", "platform"], "preferred_username": "mia.berg"}

    come_back(nobody, provider)

    assert "mia admin" in text_of(nobody.get("/ui/"))


def test_who_is_in_no_group_with_a_role_stays_outside(nobody: Person, provider: Provider, database: Database) -> None:
    provider.claims = {**provider.claims, "groups": ["sales"]}

    answer = come_back(nobody, provider)

    assert answer.status_code == 403
    assert "None of your groups has a role here" in answer.text
    assert Users(database, Passwords()).every() == []


def test_a_name_does_not_take_over_a_user_of_ours(nobody: Person, provider: Provider, database: Database) -> None:
    Users(database, Passwords()).create("mia", "admin", "a correct horse", by=Actor("test"), now=datetime.now(UTC))

    assert come_back(nobody, provider).status_code == 409
    assert nobody.get("/ui/").status_code == 303


@pytest.mark.parametrize(
    "spoil",
    [
        {"iss": "https://evil.example"},
        {"aud": "somebody-else"},
        {"nonce": "of-another-login"},
        {"exp": int(time.time()) - 600},
        {"iat": int(time.time()) + 6_000},
        {"azp": "somebody-else", "aud": [CLIENT_ID, "somebody-else"]},
    ],
    ids=["issuer", "audience", "nonce", "expired", "from the future", "party"],
)
def test_a_token_that_is_not_for_this_login_is_refused(
    nobody: Person, provider: Provider, spoil: dict[str, Any]
) -> None:
    provider.spoil = spoil

    assert come_back(nobody, provider).status_code == 403
    assert nobody.get("/ui/").status_code == 303


def test_a_token_that_another_has_signed_is_refused(nobody: Person, provider: Provider) -> None:
    provider.key = RSAKey.generate_key(2048, {"kid": "one"})

    assert come_back(nobody, provider).status_code == 403


def test_a_login_of_somebody_else_is_not_brought_here(nobody: Person, provider: Provider) -> None:
    back = provider.authorize(nobody.get("/ui/login/oidc").location).removeprefix("http://127.0.0.1:8080")
    nobody.get("/ui/login/oidc")

    assert nobody.get(back).status_code == 403
    assert nobody.get("/ui/login/oidc/callback?code=x").status_code == 403
    assert "/token" not in provider.asked


def test_a_code_is_good_once(nobody: Person, provider: Provider) -> None:
    back = provider.authorize(nobody.get("/ui/login/oidc").location).removeprefix("http://127.0.0.1:8080")

    assert nobody.get(back).status_code == 303
    assert nobody.get(back).status_code == 403


def test_a_return_that_fails_is_throttled_as_signing_in_is_and_a_header_helps_nobody_out(
    nobody: Person, provider: Provider
) -> None:
    nobody.client.environ_base["REMOTE_ADDR"] = "8.8.4.4"
    back = provider.authorize(nobody.get("/ui/login/oidc").location).removeprefix("http://127.0.0.1:8080")
    state = back.partition("state=")[2].partition("&")[0]
    tried = []
    for number in range(MOST_FROM_ADDRESS + 1):
        nobody.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"198.51.100.{number}"
        tried.append(nobody.get(f"/ui/login/oidc/callback?state={state}&code=guess"))

    assert 429 not in {each.status_code for each in tried[:-1]}
    assert tried[-1].status_code == nobody.get(back).status_code == 429
    assert int(tried[-1].headers["Retry-After"]) >= 1
    assert provider.asked.count("/token") == MOST_FROM_ADDRESS
    nobody.client.environ_base["REMOTE_ADDR"] = "8.8.8.8"
    assert nobody.get(back).status_code == 303


def test_whoever_only_leaves_or_returns_from_nowhere_keeps_nobody_of_his_address_out(
    nobody: Person, provider: Provider
) -> None:
    nobody.client.environ_base["REMOTE_ADDR"] = "8.8.4.4"
    for _ in range(MOST_FROM_ADDRESS + 1):
        assert nobody.get("/ui/login/oidc").status_code == 303
        assert nobody.get("/ui/login/oidc/callback?state=x&code=x").status_code == 403

    assert "/token" not in provider.asked
    assert come_back(nobody, provider).status_code == 303


def test_a_private_address_is_asked_only_where_it_is_allowed(settings: Settings, provider: Provider) -> None:
    guarded = replace(settings, oidc_issuer=provider.issuer, oidc_client_id="a", oidc_client_secret="b")
    api = compose_api(guarded, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    try:
        answer = api.app.test_client().get("/ui/login/oidc")
    finally:
        api.close()

    assert answer.status_code == 503
    assert provider.asked == []


def test_without_a_provider_there_is_no_way_there(settings: Settings) -> None:
    api = compose_api(settings, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    try:
        client = api.app.test_client()
        assert client.get("/ui/login/oidc").location.startswith("/ui/login?next=")
        assert "organisation" not in client.get("/ui/login").text
    finally:
        api.close()


def test_groups_have_roles_and_the_highest_counts() -> None:
    by_group = roles_by_group("sre=oncall, platform=admin,*=viewer")

    assert role_of({"sre", "platform"}, by_group) is Role.ADMIN
    assert role_of({"sre"}, by_group) is Role.ONCALL
    assert role_of(set(), by_group) is Role.VIEWER
    assert role_of({"sales"}, roles_by_group("sre=oncall")) is None
    with pytest.raises(ValueError, match="must be like"):
        roles_by_group("sre=king")
