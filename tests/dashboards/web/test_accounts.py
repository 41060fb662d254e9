from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.core.audit import Audit
from app.core.keys import Scope
from reporting.slo.windows import minute_of
from tests.dashboards.web.people import text_of
from tests.reporting.evaluation.recount import Request, store

if TYPE_CHECKING:
    from app.core.accounts_service import Accounts
    from app.core.database import Database
    from app.core.keys_service import Keys
    from tests.conftest import World
    from tests.dashboards.web.people import Person

KEY = re.compile(r"slip\.acme\.[a-z0-9]{12}\.[A-Za-z0-9_-]{43}")


def test_accounts_are_listed_and_found_by_what_they_are_called(viewer: Person, world: World) -> None:
    page = text_of(viewer.get("/ui/accounts"))
    exact = text_of(viewer.get("/ui/accounts?q=bolt"))

    assert page.index("acme") < page.index("bolt") < page.index("corner")
    assert "acme" not in exact
    assert exact.index("bolt") < exact.index("corner")
    assert "No account is called so" in text_of(viewer.get("/ui/accounts?q=zz"))
    assert "No account is called so" in text_of(viewer.get("/ui/accounts?q=%2F"))


def test_a_thousand_accounts_are_read_page_by_page(viewer: Person, database: Database) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO accounts (account_id, name, tier, created_at, updated_at) "
            "SELECT 'a' || lpad(n::text, 4, '0'), 'Account ' || n, 'free', now(), now() FROM generate_series(1, 1000) AS n"
        )

    first = viewer.get("/ui/accounts").text
    following = re.search(r'href="(/ui/accounts\?after=[^"]+)"', first)

    assert following is not None
    assert first.count('<th scope="row">') == 50
    assert "a0051" in viewer.get(following[1]).text


def test_an_account_shows_its_limits_its_refusals_and_its_keys(
    viewer: Person, world: World, database: Database
) -> None:
    minute = minute_of(datetime.now(UTC)) - 5
    store(database, [Request(minute, "/events", 429, 1_000, account="acme")] * 7)
    store(database, [Request(minute, "/events", 202, 1_000, account="acme", writer="w2")] * 90)

    page = text_of(viewer.get("/ui/accounts/acme"))

    assert "0 of 10 M events" in page
    assert "Closed" in page
    assert "of 97 requests" in page
    assert "429 POST /events 7" in page
    assert "events:write, summary:read, telemetry:write" in page
    assert "Rotate" not in page


def test_a_key_is_shown_once_and_rotated_and_revoked(
    manager: Person, world: World, keys: Keys, database: Database
) -> None:
    created = manager.post("/ui/accounts/acme/keys", scope=["events:write"], days="30")
    (shown,) = set(KEY.findall(created.text))
    key_id = shown.split(".")[2]
    rotated = manager.post(f"/ui/accounts/acme/keys/{key_id}/rotate")
    revoked = manager.post(f"/ui/accounts/acme/keys/{key_id}/revoke")

    assert (created.status_code, rotated.status_code, revoked.status_code) == (200, 200, 303)
    assert KEY.findall(rotated.text) != [shown]
    assert not KEY.search(manager.get("/ui/accounts/acme").text)
    found = {key.key_id: key for key in keys.of_account("acme")}
    assert found[key_id].revoked_at is not None
    assert found[key_id].scopes == {Scope.EVENTS_WRITE}
    actions = [entry.action for entry in Audit(database).page(actor="manager@example.com", limit=3)]
    assert actions == ["keys.revoke", "keys.rotate", "keys.create"]
    assert shown.split(".")[3] not in str(Audit(database).page(limit=10))


@pytest.mark.parametrize("days", ["0", "36501", "soon"])
def test_days_that_no_key_holds_for_are_named_beside_their_field(manager: Person, world: World, days: str) -> None:
    refused = manager.post("/ui/accounts/acme/keys", scope=["events:write"], days=days)

    assert refused.status_code == 422
    assert re.search(r'name="days"[^>]*aria-invalid="true"', refused.text)


def test_a_key_of_operators_is_given_by_admins_alone(manager: Person, admin: Person, world: World) -> None:
    assert manager.post("/ui/accounts/acme/keys", scope=["admin"]).status_code == 403
    assert admin.post("/ui/accounts/acme/keys", scope=["admin"]).status_code == 200


def test_a_key_of_operators_is_taken_by_admins_alone(manager: Person, admin: Person, world: World, keys: Keys) -> None:
    key_id = keys.create("acme", [Scope.ADMIN], now=datetime.now(UTC)).key.key_id
    path = f"/ui/accounts/acme/keys/{key_id}/revoke"

    assert manager.post(path).status_code == 403
    assert {key.key_id: key for key in keys.of_account("acme")}[key_id].revoked_at is None
    assert admin.post(path).status_code == 303


def test_a_key_is_not_changed_on_the_page_of_another_account(manager: Person, world: World, keys: Keys) -> None:
    (theirs,) = keys.of_account("bolt")

    assert manager.post(f"/ui/accounts/acme/keys/{theirs.key_id}/revoke").status_code == 404
    assert manager.post(f"/ui/accounts/acme/keys/{theirs.key_id}/rotate").status_code == 404
    assert keys.of_account("bolt") == [theirs]


def test_an_account_is_created_and_put_into_another_tier(manager: Person, accounts: Accounts) -> None:
    created = manager.post("/ui/accounts", account_id="delta", name="", tier="free")
    changed = manager.post("/ui/accounts/delta/tier", tier="enterprise")
    refused = manager.post("/ui/accounts/delta/tier", tier="gold")

    assert (created.location, changed.location) == ("/ui/accounts/delta", "/ui/accounts/delta")
    assert (accounts.get("delta").name, accounts.get("delta").tier) == ("delta", "enterprise")
    assert refused.status_code == 422
    assert "It is not the name of a tier." in refused.text


def test_a_missing_account_is_a_missing_page(viewer: Person) -> None:
    assert viewer.get("/ui/accounts/missing").status_code == 404
    assert viewer.get("/ui/accounts/missing/usage").status_code == 404


def test_an_admin_erases_an_account_by_typing_its_id_and_it_is_recorded(
    admin: Person, manager: Person, world: World, database: Database
) -> None:
    assert "Erase this account" not in manager.get("/ui/accounts/acme").text
    assert "Erase this account" in admin.get("/ui/accounts/acme").text

    refused = admin.post("/ui/accounts/acme/delete", confirm="acne")
    forbidden = manager.post("/ui/accounts/acme/delete", confirm="acme")
    erased = admin.post("/ui/accounts/acme/delete", confirm="acme")

    assert (refused.status_code, forbidden.status_code) == (422, 403)
    assert erased.location == "/ui/erasures"
    assert "Closed" in text_of(admin.get("/ui/erasures"))
    assert admin.get("/ui/accounts/acme").status_code == 404
    actions = [entry.action for entry in Audit(database).page(subject="acme", limit=5)]
    assert actions == ["accounts.delete", "accounts.delete.refused", "accounts.delete"]
