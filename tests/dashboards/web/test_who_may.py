"""Every page and form by every role, without a session, without the form's token, and by a key: generated of the routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Blueprint

from app.core.http.body import BodyReaders
from app.core.http.guard import authorisation_of
from app.core.roles import Role
from app.factory import create_app
from tests.dashboards.web.people import person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from app.composition import Api
    from app.core.database import Database
    from tests.conftest import World
    from tests.dashboards.web.people import Person

SAFE = {"GET", "HEAD"}
SIGN_OUT = "/ui/logout"
MAY = {
    "viewer": {"viewer"},
    "oncall": {"viewer", "oncall"},
    "manager": {"viewer", "oncall", "manager"},
    "admin": {"viewer", "oncall", "manager", "admin"},
}
"""Which rules each role fulfils, written down once more: the product's own answer is what is tested."""


def routes(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Every method and address under `/ui` with its rule; what is variable in it names nothing that is there."""
    for rule in app.url_map.iter_rules():
        if rule.rule == "/" or rule.rule.startswith("/ui"):
            values = {
                name: "1" if "int" in type(rule._converters[name]).__name__.lower() else "x" for name in rule.arguments
            }
            built = rule.build(values)
            assert built is not None
            for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
                yield method, built[1], authorisation_of(app.view_functions[rule.endpoint]) or ""


def pages(app: Flask) -> list[tuple[str, str, Role]]:
    found = [(method, path, rule) for method, path, rule in routes(app) if rule != "public"]
    assert all(rule.startswith("session ") for _, _, rule in found), "A page is for a session, and nothing else."
    return [(method, path, Role(rule.removeprefix("session "))) for method, path, rule in found]


def test_only_signing_in_and_what_browsers_need_for_it_is_public(api: Api) -> None:
    public = {(method, path.split("/x")[0]) for method, path, rule in routes(api.app) if rule == "public"}

    assert public <= {
        ("GET", "/"),
        ("GET", "/ui/login"),
        ("POST", "/ui/login"),
        ("GET", "/ui/login/oidc"),
        ("GET", "/ui/login/oidc/callback"),
        ("GET", "/ui/static"),
    }


def test_a_page_without_a_rule_is_not_built() -> None:
    bare = Blueprint("bare", __name__, url_prefix="/ui")
    bare.add_url_rule("/secret", view_func=lambda: "")

    with pytest.raises(LookupError, match=r"bare\."):
        create_app([bare], readers=BodyReaders(deadline_s=1, most=1), base_url="http://127.0.0.1")


@pytest.mark.parametrize("role", list(Role))
def test_a_role_sees_and_does_what_is_its_own_and_nothing_else(api: Api, database: Database, role: Role) -> None:
    somebody = person(api.app, database, role)

    for method, path, needed in pages(api.app):
        if path == SIGN_OUT:
            continue
        answer = somebody.get(path) if method in SAFE else somebody.post(path)
        if needed in MAY[role]:
            assert answer.status_code not in {401, 403}, (method, path)
            assert answer.status_code < 500, (method, path, answer.text)
        else:
            assert answer.status_code == 403, (method, path)
            assert f"needs the role {needed}" in answer.text


def test_without_a_session_a_page_leads_to_the_door_and_a_form_does_nothing(nobody: Person, api: Api) -> None:
    for method, path, _ in pages(api.app):
        answer = nobody.get(path) if method in SAFE else nobody.post(path)
        if method in SAFE:
            assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/ui/login"), path
        else:
            assert answer.status_code == 401, path


def test_a_form_without_the_session_s_token_does_nothing(api: Api, admin: Person, database: Database) -> None:
    other = person(api.app, database, Role.ADMIN, name="other@example.com")

    for method, path, _ in pages(api.app):
        if method in SAFE:
            continue
        assert admin.client.post(path).status_code == 403, path
        assert admin.client.post(path, data={"csrf": other.csrf}).status_code == 403, path
        theirs = {"Sec-Fetch-Site": "cross-site"}
        assert admin.client.post(path, data={"csrf": admin.csrf}, headers=theirs).status_code == 403, path
    assert admin.get("/ui/").status_code == 200


@pytest.mark.parametrize("key", ["operator", "account"])
def test_a_key_opens_no_page(api: Api, nobody: Person, world: World, key: str) -> None:
    token = "the-token-of-the-operator" if key == "operator" else world.alice.key
    headers = {"Authorization": f"Bearer {token}"}

    for method, path, _ in pages(api.app):
        answer = nobody.client.open(path, method=method, headers=headers)
        assert answer.status_code in {303, 401}, (method, path)


def test_a_session_opens_nothing_but_pages(api: Api, admin: Person) -> None:
    guarded = {
        (method, rule.rule)
        for rule in api.app.url_map.iter_rules()
        if (authorisation_of(api.app.view_functions[rule.endpoint]) or "").startswith("scope")
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}
    }

    for method, path in guarded:
        answer = admin.client.open(path.replace("<", "").replace(">", ""), method=method)
        assert answer.status_code == 401, (method, path)
