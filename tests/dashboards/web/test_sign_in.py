from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from app.composition import Counting, compose_api
from app.core.audit import Audit
from app.core.audit_entry import Actor
from app.core.login_throttle import MOST_OF_NAME_FROM_ADDRESS
from app.core.passwords import Passwords
from app.core.users_service import Users
from tests.dashboards.web.people import COOKIE, stranger, text_of

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from app.composition import Api
    from app.core.database import Database
    from app.core.settings import Settings
    from tests.dashboards.web.people import Person

TOKEN = "the-token-of-the-operator"
PASSWORD = "a correct horse and a battery"


def sign_in(nobody: Person, *, path: str = "/ui/login", **fields: str) -> TestResponse:
    """Fill in the form as it is shown."""
    found = re.search(r'name="csrf" value="([^"]+)"', nobody.get(path).text)
    assert found is not None
    return nobody.client.post(path, data={"csrf": found[1], **fields})


@pytest.fixture
def mia(database: Database) -> str:
    Users(database, Passwords()).create("mia", "oncall", PASSWORD, by=Actor("test"), now=datetime.now(UTC))
    return "mia"


def test_the_admin_token_is_the_first_login(nobody: Person) -> None:
    answer = sign_in(nobody, token=TOKEN)

    assert (answer.status_code, answer.location) == (303, "/ui/")
    assert "operator" in text_of(nobody.get("/ui/"))


def test_a_user_signs_in_by_name_and_password_and_out_again(nobody: Person, mia: str) -> None:
    assert sign_in(nobody, username="Mia", password=PASSWORD).status_code == 303
    page = nobody.get("/ui/")
    (csrf,) = set(re.findall(r'name="csrf" value="([^"]+)"', page.text))

    out = nobody.client.post("/ui/logout", data={"csrf": csrf})

    assert "mia" in text_of(page)
    assert out.location == "/ui/login"
    assert nobody.get("/ui/").status_code == 303


@pytest.mark.parametrize(
    "fields",
    [
        {"username": "mia", "password": "a wrong horse and a battery"},
        {"username": "nobody", "password": PASSWORD},
        {"username": "operator", "password": TOKEN},
        {"username": "", "password": ""},
        {"token": "not the token of the operator"},
    ],
)
def test_nobody_else_gets_in(nobody: Person, mia: str, fields: dict[str, str]) -> None:
    answer = sign_in(nobody, **fields)

    assert answer.status_code == 401
    assert COOKIE not in {cookie.partition("=")[0] for cookie in answer.headers.getlist("Set-Cookie")}
    assert PASSWORD not in answer.text


def test_the_answer_does_not_tell_who_exists(nobody: Person, mia: str) -> None:
    known = sign_in(nobody, username="mia", password="wrong and long enough")
    unknown = sign_in(nobody, username="zoe", password="wrong and long enough")

    assert known.text.replace("mia", "") == unknown.text.replace("zoe", "")


def test_a_login_is_refused_without_the_form_it_came_from(nobody: Person) -> None:
    assert nobody.client.post("/ui/login", data={"token": TOKEN}).status_code == 403
    nobody.get("/ui/login")
    assert nobody.client.post("/ui/login", data={"token": TOKEN, "csrf": "wrong"}).status_code == 403


def test_guessing_is_throttled_also_for_the_right_password(nobody: Person, api: Api, mia: str) -> None:
    another = stranger(api.app)
    for person in (nobody, another):
        person.client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    for _ in range(MOST_OF_NAME_FROM_ADDRESS):
        assert sign_in(nobody, username="mia", password="wrong and long enough").status_code == 401

    refused = sign_in(another, username="mia", password=PASSWORD)

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert sign_in(nobody, token=TOKEN).status_code == 303


@pytest.mark.parametrize("remote", ["192.0.2.7", "8.8.4.4"])
def test_a_header_that_anybody_can_send_takes_nobody_out_of_the_limit(nobody: Person, mia: str, remote: str) -> None:
    nobody.client.environ_base["REMOTE_ADDR"] = remote
    for number in range(MOST_OF_NAME_FROM_ADDRESS):
        nobody.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"198.51.100.{number}"
        assert sign_in(nobody, username="mia", password="wrong and long enough").status_code == 401

    assert sign_in(nobody, username="mia", password=PASSWORD).status_code == 429


def test_a_planted_session_is_not_taken_over(nobody: Person) -> None:
    nobody.client.set_cookie(COOKIE, "planted")

    sign_in(nobody, token=TOKEN)

    cookie = nobody.client.get_cookie(COOKIE)
    assert cookie is not None
    assert cookie.value != "planted"


def test_the_cookie_is_for_nobody_but_us(nobody: Person) -> None:
    (cookie,) = [
        each for each in sign_in(nobody, token=TOKEN).headers.getlist("Set-Cookie") if each.startswith(f"{COOKIE}=")
    ]

    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie


def test_over_https_the_cookie_is_secure_and_of_this_host_alone(settings: Settings) -> None:
    secure = replace(settings, base_url="https://slipstream.example.com")
    api = compose_api(secure, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    try:
        (cookie,) = api.app.test_client().get("/ui/login").headers.getlist("Set-Cookie")
    finally:
        api.close()

    assert cookie.startswith("__Host-slipstream-form=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [
        ("/ui/slos/availability", "/ui/slos/availability"),
        ("https://evil.example", "/ui/"),
        ("//evil.example", "/ui/"),
        ("/ui/\\evil.example", "/ui/"),
        ("/ui/%0d%0aSet-Cookie:x=1", "/ui/"),
        ("/slos", "/ui/"),
    ],
)
def test_after_signing_in_one_is_where_one_wanted_to_be_if_that_is_here(
    nobody: Person, wanted: str, led_to: str
) -> None:
    answer = nobody.client.get("/ui/login", query_string={"next": wanted})
    action = re.search(r'<form method="post" action="([^"]+)"', answer.text)
    assert action is not None

    assert sign_in(nobody, path=action[1], token=TOKEN).location == led_to


def test_a_page_that_needs_a_session_comes_back_after_signing_in(nobody: Person) -> None:
    assert (
        nobody.get("/ui/slos/availability?range=7d").location
        == "/ui/login?next=%2Fui%2Fslos%2Favailability%3Frange%3D7d"
    )


def test_a_live_part_without_a_session_leads_the_whole_page_to_the_door(nobody: Person) -> None:
    answer = nobody.get("/ui/overview/live", **{"HX-Request": "true"})

    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/ui/login")


def test_the_root_leads_to_the_pages(nobody: Person) -> None:
    assert nobody.get("/").location == "/ui/"


def test_who_comes_and_goes_is_in_the_record(nobody: Person, mia: str, database: Database) -> None:
    sign_in(nobody, username="mia", password=PASSWORD)

    entry = Audit(database).page(actor="mia", limit=1)[0]

    assert (entry.action, entry.subject) == ("sessions.open", "mia")
    assert entry.actor.address == "127.0.0.1"
    assert entry.actor.request_id


def test_pages_allow_nothing_that_is_not_ours(viewer: Person) -> None:
    answer = viewer.get("/ui/")

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", answer.text), "The policy would refuse it."
