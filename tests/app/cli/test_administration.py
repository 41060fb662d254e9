"""The verbs of operators, each in a process of its own settings."""

from __future__ import annotations

import getpass
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from app.api.accounts import AccountView
from app.api.keys import IssuedKeyView
from app.cli.main import main
from app.core.accounts_service import AccountChange
from app.core.keys import parse_key
from app.core.problems import Problem
from app.core.schema_store import head_revision
from app.core.tiers import Overrides

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    import redis
    from click.testing import Result

    from app.core.accounts_service import Accounts
    from app.core.authentication import Authenticator
    from app.core.settings import Settings
    from app.embedded.instance import Instance

    Slipstream: TypeAlias = Callable[..., Result]

NOW = datetime.now(UTC)


@pytest.fixture
def slipstream(settings: Settings) -> Slipstream:
    def run(*arguments: str, given: str = "") -> Result:
        environment = {
            "SLIPSTREAM_DATABASE_URL": settings.database_url,
            "SLIPSTREAM_REDIS_URL": settings.redis_url,
        }
        return CliRunner().invoke(main, list(arguments), env=environment, input=given)

    return run


def test_an_account_is_created_listed_and_put_into_another_tier(slipstream: Slipstream, accounts: Accounts) -> None:
    created = slipstream("accounts", "create", "acme", "--name", "Acme, Inc.", "--json")
    changed = slipstream("accounts", "set-tier", "acme", "enterprise")
    listed = slipstream("accounts", "list")

    assert [created.exit_code, changed.exit_code, listed.exit_code] == [0, 0, 0]
    assert json.loads(created.stdout)["tier"] == "free"
    assert accounts.get("acme").tier == "enterprise"
    heading, line = listed.stdout.splitlines()
    assert heading.split()[:3] == ["ACCOUNT", "NAME", "TIER"]
    assert line.split("  ")[0] == "acme"
    assert "Acme, Inc." in line
    assert "enterprise" in line


def test_every_account_is_listed_also_as_json(slipstream: Slipstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cli.accounts._PAGE", 2)
    assert json.loads(slipstream("accounts", "list", "--json").stdout) == []

    for name in ("a", "b", "c", "d", "e"):
        slipstream("accounts", "create", name)

    listed = json.loads(slipstream("accounts", "list", "--json").stdout)
    assert [account["account_id"] for account in listed] == ["a", "b", "c", "d", "e"]


def test_json_is_what_the_api_answers(slipstream: Slipstream, accounts: Accounts) -> None:
    account = json.loads(slipstream("accounts", "create", "acme", "--json").stdout)
    accounts.change("acme", AccountChange(overrides=Overrides(daily_quota=None)), datetime.now(UTC))
    (listed,) = json.loads(slipstream("accounts", "list", "--json").stdout)
    key = json.loads(slipstream("keys", "create", "acme", "--json").stdout)

    assert set(account) == set(AccountView.__struct_fields__)
    assert (account["overrides"], listed["overrides"]) == ({}, {"daily_quota": None})
    assert account["created_at"].endswith("Z")
    assert listed["updated_at"].endswith("Z")
    assert set(key) == set(IssuedKeyView.__struct_fields__)
    assert key["created_at"].endswith("Z")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["accounts", "create", "../etc", "--tier", "gold"], 2, ["account_id", "tier"]),
        (["accounts", "set-tier", "nobody", "free"], 1, ["There is no account nobody"]),
        (["accounts", "create"], 2, ["ACCOUNT_ID"]),
        (["keys", "create", "nobody"], 2, ["account_id"]),
        (["keys", "create", "acme", "--scope", "everything"], 2, ["everything"]),
        (["keys", "list", "nobody"], 1, ["There is no account nobody"]),
        (["keys", "revoke", "nonsense"], 1, ["There is no key nonsense"]),
        (["migrate", "--to", "9999"], 1, ["9999"]),
    ],
)
def test_what_cannot_be_done_is_said_on_stderr_in_a_sentence(
    slipstream: Slipstream, arguments: list[str], status: int, said: list[str]
) -> None:
    result = slipstream(*arguments)

    assert result.exit_code == status
    assert result.stdout == ""
    assert all(part in result.stderr for part in said)
    assert "Traceback" not in result.stderr


def test_a_new_key_stands_alone_on_stdout_and_is_let_in(slipstream: Slipstream, authenticator: Authenticator) -> None:
    slipstream("accounts", "create", "acme")

    created = slipstream("keys", "create", "acme", "--scope", "summary:read", "--days", "1")

    key = created.stdout.removesuffix("\n")
    presented = parse_key(key)
    assert presented is not None
    assert presented.key_id in created.stderr
    assert authenticator.authenticate(f"Bearer {key}", NOW).scopes == {"summary:read"}
    with pytest.raises(Problem):
        authenticator.authenticate(f"Bearer {key}", NOW + timedelta(days=2))


def test_a_key_without_scopes_may_do_all_that_tenants_may(slipstream: Slipstream) -> None:
    slipstream("accounts", "create", "acme")

    created = json.loads(slipstream("keys", "create", "acme", "--json").stdout)

    assert created["scopes"] == ["events:write", "summary:read", "telemetry:write"]
    assert created["expires_at"] is None
    assert parse_key(created["key"]) is not None


def test_a_revoked_key_is_out_at_once_and_listed_as_such(slipstream: Slipstream, authenticator: Authenticator) -> None:
    slipstream("accounts", "create", "acme")
    created = json.loads(slipstream("keys", "create", "acme", "--json").stdout)
    assert authenticator.authenticate(f"Bearer {created['key']}", NOW)

    assert slipstream("keys", "revoke", created["key_id"]).exit_code == 0

    with pytest.raises(Problem):
        authenticator.authenticate(f"Bearer {created['key']}", NOW)
    (listed,) = json.loads(slipstream("keys", "list", "acme", "--json").stdout)
    assert (listed["key_id"], listed["state"]) == (created["key_id"], "revoked")
    assert "key" not in listed
    assert "revoked" in slipstream("keys", "list", "acme").stdout


def test_migrating_up_says_the_revision_and_down_asks_first(slipstream: Slipstream) -> None:
    refused = slipstream("migrate", "--to", "0001", given="n\n")
    accepted = slipstream("migrate", "--to", "0001", given="y\n")
    unasked = slipstream("migrate", "--to", "base", "--yes")
    up = slipstream("migrate")
    again = slipstream("migrate")

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "drops tables" in refused.stderr
    assert [result.stdout.splitlines()[-1] for result in (accepted, unasked, up, again)] == [
        "The schema is at 0001.",
        "The schema is at base.",
        f"The schema is at {head_revision()}.",
        f"The schema is at {head_revision()}. There was nothing to do.",
    ]
    # Those that were never there are applied, once.
    assert "The SLO availability is applied, as it ships.\n" in up.stdout
    assert "SLO" not in again.stdout


def test_the_doctor_is_content_with_the_embedded_engines(slipstream: Slipstream) -> None:
    told, as_json = slipstream("doctor"), slipstream("doctor", "--json")

    assert (told.exit_code, as_json.exit_code) == (0, 0)
    assert "0 failed" in told.stdout
    assert re.search(r"maxmemory +[\d.]+ [MG]iB\n", told.stdout)
    findings = json.loads(as_json.stdout)
    assert {"subject", "name", "state", "found", "reason", "remedy"} == set(findings[0])


def test_the_doctor_refuses_a_queue_that_evicts_and_says_what_to_do(
    slipstream: Slipstream, redis_client: redis.Redis
) -> None:
    redis_client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        result = slipstream("doctor")
    finally:
        redis_client.config_set("maxmemory-policy", "noeviction")

    assert result.exit_code == 1
    assert "1 failed" in result.stdout
    assert "Set `maxmemory-policy noeviction`." in result.stdout


def test_a_running_instance_is_found_by_its_directory(engines: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPSTREAM_DATABASE_URL", "postgresql://elsewhere/none")

    result = CliRunner().invoke(main, ["migrate", "--data", str(engines.data_dir)])

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].startswith(f"The schema is at {head_revision()}.")


def test_a_user_is_created_listed_changed_and_let_in_no_longer(slipstream: Slipstream) -> None:
    created = slipstream("users", "create", "mia", "--role", "oncall", "--generate", "--json")
    typed = slipstream("users", "create", "zoe", given="a correct horse and a battery\n")
    short = slipstream("users", "create", "max", given="short\n")
    changed = [slipstream("users", "set-role", "mia", "admin"), slipstream("users", "disable", "zoe")]
    listed = json.loads(slipstream("users", "list", "--json").stdout)

    assert len(json.loads(created.stdout)["password"]) >= 20
    assert [created.exit_code, typed.exit_code, short.exit_code, *(each.exit_code for each in changed)] == [
        0,
        0,
        2,
        0,
        0,
    ]
    assert "password" not in typed.stdout
    assert [(each["username"], each["role"], each["disabled"]) for each in listed] == [
        ("mia", "admin", False),
        ("zoe", "viewer", True),
    ]


def test_an_account_is_erased_once_its_id_was_typed_again(
    slipstream: Slipstream, accounts: Accounts, tmp_path: Path
) -> None:
    for account_id in ("acme", "bolt"):
        slipstream("accounts", "create", account_id)

    refused = slipstream("accounts", "delete", "acme", given="acne\n")
    typed = slipstream("accounts", "delete", "acme", given="acme\n")
    erased = json.loads(slipstream("accounts", "delete", "bolt", "--yes", "--json").stdout)
    missing = slipstream("accounts", "delete", "nobody", "--yes")
    listed = json.loads(slipstream("erasures", "list", "--json").stdout)
    exported = slipstream("erasures", "export", str(tmp_path / "erasures.json"))
    applied = json.loads(slipstream("erasures", "apply", str(tmp_path / "erasures.json"), "--json").stdout)

    assert [refused.exit_code, typed.exit_code, missing.exit_code, exported.exit_code] == [1, 0, 1, 0]
    assert erased["state"] == "closed"
    assert [each["requested_by"] for each in listed] == [f"cli:{getpass.getuser()}"] * 2
    assert (accounts.page(), applied) == ([], [])
