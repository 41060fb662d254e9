from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from app.core.settings import Settings
    from tests.conftest import World


def test_reports_are_of_accounts_that_exist(client: FlaskClient, world: World, settings: Settings) -> None:
    operator = {"Authorization": f"Bearer {settings.admin_token}"}

    def ask(path: str, **more: str) -> tuple[int, list[str]]:
        answer: Any = client.open(path, method=more.pop("method", "POST"), json=more, headers=operator)
        return answer.status_code, [error["field"] for error in answer.json.get("errors", ())]

    there: Any = client.post("/report-subscriptions", json={"kind": "weekly", "account_id": "acme"}, headers=operator)
    changed = f"/report-subscriptions/{there.json['subscription_id']}"

    assert there.status_code == 201
    assert ask("/reports", kind="weekly", account_id="acme") == (202, [])
    assert ask("/reports", kind="weekly", account_id="nobody") == (422, ["account_id"])
    assert ask("/report-subscriptions", kind="weekly", account_id="nobody") == (422, ["account_id"])
    seen = there.json["audience_digest"]
    change = {"method": "PUT", "kind": "weekly", "audience_digest": seen}
    assert ask(changed, account_id="nobody", **change) == (422, ["account_id"])
    assert ask(changed, account_id="bolt", **change) == (200, [])
