"""Every route, form and command that changes something leaves a line in the record: generated of what there is."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from getpass import getuser
from typing import TYPE_CHECKING, Any

import click
from click.testing import CliRunner

from app.cli.main import VERBS, main
from app.core.audit import Audit
from app.core.audit_entry import Actor
from app.core.http.guard import authorisation_of
from app.core.http.recording import SAFE_METHODS, Change, change_of
from app.core.keys import Scope, parse_key
from app.core.passwords import Passwords
from app.core.roles import Role
from app.core.users_service import Users
from tests.dashboards.web.people import person
from tests.reporting.evaluation.definitions import slo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest
    from flask import Flask

    from app.composition import Api
    from app.core.audit_entry import AuditEntry
    from app.core.database import Database
    from app.core.keys_service import Keys
    from app.core.settings import Settings
    from tests.conftest import World

NOW = datetime.now(UTC)
OTHERWISE = {
    ("POST", "/events"): "what clients send is stored, or dead, and counted",
    ("POST", "/telemetry"): "what clients send is counted",
    ("POST", "/ui/login"): "a session is opened and recorded by one transaction (test_sign_in.py)",
    ("POST", "/ack/<token>"): "the view knows whose the link is (test_ack_api.py)",
    ("POST", "/unsubscribe/<token>"): "the view knows whose the link is (test_unsubscribe.py)",
}
"""Routes that the guard records nothing of, and why. Do not add one without a reason as good."""

DEFINITION = slo("pay", service="checkout", total={}, good={"status": "<500"}, target=0.99)
FORMS_THAT_SHOW = {"/ui/definitions/difference": "it says what would change, and changes nothing"}
FORMS: dict[str, dict[str, str]] = {
    "/ui/logout": {},
    "/ui/alerts/<alert_id>/ack": {},
    "/ui/silences": {"hours": "1", "service": "checkout", "reason": "We move."},
    "/ui/silences/<silence_id>/end": {},
    "/ui/incidents": {
        "service": "checkout",
        "title": "It is slow",
        "severity": "page",
        "started_at": "2026-11-22T02:00",
    },
    "/ui/incidents/<incident_id>": {"title": "It is slow"},
    "/ui/incidents/<incident_id>/ack": {},
    "/ui/incidents/<incident_id>/publish": {},
    "/ui/incidents/<incident_id>/updates": {"status": "monitoring", "text": "We look."},
    "/ui/incidents/<incident_id>/withdraw": {},
    "/ui/maintenance": {"starts_at": "2026-11-22T02:00", "ends_at": "2026-11-22T03:00", "reason": "We move."},
    "/ui/maintenance/<maintenance_id>/remove": {},
    "/ui/accounts": {"account_id": "delta", "name": "Delta", "tier": "free"},
    "/ui/accounts/<account_id>/tier": {"tier": "free"},
    "/ui/accounts/<account_id>/circuit/reset": {},
    "/ui/accounts/<account_id>/delete": {"confirm": "another"},
    "/ui/accounts/<account_id>/keys": {"scope": "events:write"},
    "/ui/accounts/<account_id>/keys/<key_id>/rotate": {},
    "/ui/accounts/<account_id>/keys/<key_id>/revoke": {},
    "/ui/queue/letters/<letter_id>/replay": {},
    "/ui/queue/letters/replay": {},
    "/ui/queue/letters/<letter_id>/purge": {},
    "/ui/start": {"account_id": "acme"},
    "/ui/reports": {"period": "2026-10", "paper": "a4"},
    "/ui/reports/<report_id>/again": {},
    "/ui/reports/<report_id>/send": {"to": "mia@example.com", "paper": "a4"},
    "/ui/reports/schedule": {"kind": "weekly", "hour": "7", "paper": "a4"},
    "/ui/reports/schedule/<subscription_id>": {"kind": "weekly", "hour": "8", "paper": "a4"},
    "/ui/reports/schedule/<subscription_id>/send": {},
    "/ui/reports/schedule/<subscription_id>/remove": {},
    "/ui/definitions": {"text": DEFINITION, "seal": ""},
    "/ui/slos/<name>/remove": {},
    "/ui/users": {"username": "mia", "role": "viewer"},
    "/ui/users/<username>/role": {"role": "oncall"},
    "/ui/users/<username>/password": {},
    "/ui/users/<username>/disable": {},
    "/ui/users/<username>/enable": {},
}
"""Every form, filled in as far as it must be to be tried; of what it names, accounts, keys and users are there."""

READS = {
    "accounts list": "it lists",
    "alerts test-route": "it tells people, and changes nothing",
    "backup": "it reads",
    "bench": "it has stores of its own",
    "chaos noisy-neighbour": "it has stores of its own",
    "chaos overload": "it has stores of its own",
    "chaos retry-storm": "it has stores of its own",
    "dashboards export": "it writes files",
    "demo": "it has stores of its own",
    "dlq list": "it lists",
    "doctor": "it looks",
    "erasures export": "it writes a file",
    "erasures list": "it lists",
    "events send": "it sends to the API, which records",
    "keys list": "it lists",
    "migrate": "it makes the record itself; SLOs that ship have their versions",
    "report list": "it lists",
    "report subscriptions list": "it lists",
    "restore": "it fills empty stores, with their record",
    "rules export": "it writes files",
    "serve": "its requests record",
    "slo replay": "it computes",
    "slo show": "it shows",
    "slo validate": "it reads a file",
    "status export": "it writes files",
    "telemetry import": "what it brings is counted, as of POST /telemetry",
    "up": "its requests record",
    "users list": "it lists",
    "worker": "it does what others ordered",
}
"""Commands that change nothing that is recorded, and why."""
COMMANDS = {
    "accounts create": (["new"], "accounts.create"),
    "accounts delete": (["nobody", "--yes"], "accounts.delete"),
    "accounts set-tier": (["acme", "enterprise"], "accounts.set_tier"),
    "dlq purge": (["--all", "--yes"], "dlq.purge_all"),
    "dlq replay": (["--all"], "dlq.replay_all"),
    "erasures apply": (["{file}"], "erasures.apply"),
    "keys create": (["acme"], "keys.create"),
    "keys revoke": (["aaaaaaaaaaaa"], "keys.revoke"),
    "report monthly": (["--period", "2026-10", "--send-to", "mia@example.com"], "reports.order"),
    "report weekly": (["--period", "2026-W43", "--send-to", "mia@example.com"], "reports.order"),
    "report subscriptions add": (["weekly"], "subscriptions.add"),
    "report subscriptions remove": (["sub_00000000000000000000"], "subscriptions.remove"),
    "slo apply": (["{file}"], "slos.apply"),
    "users create": (["mia", "--generate"], "users.create"),
    "users disable": (["zoe"], "users.disable"),
    "users set-password": (["zoe"], "users.set_password"),
    "users set-role": (["zoe", "admin"], "users.set_role"),
}
"""Every other command, with what makes it try, and what that is called in the record."""


def changing(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Every method and route that may change something, with the view's rule."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - SAFE_METHODS):
            yield method, rule.rule, authorisation_of(app.view_functions[rule.endpoint]) or ""


def commands(group: Any, *before: str) -> Iterator[str]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)
        else:
            yield " ".join((*before, name))


def ids_on(page: str) -> dict[str, str]:
    """Which reports and subscriptions a page names, for the forms that are about them."""
    found = {"report_id": re.search(r"\brpt_\w+", page), "subscription_id": re.search(r"\bsub_\w+", page)}
    return {name: each[0] for name, each in found.items() if each}


def entries(database: Database) -> list[AuditEntry]:
    return Audit(database).page(limit=1_000)


def test_every_route_for_keys_leaves_a_record_of_its_key_and_never_of_its_secret(
    api: Api, world: World, keys: Keys, database: Database
) -> None:
    secret = keys.create("acme", frozenset({Scope.ADMIN}), now=NOW).text
    key = parse_key(secret)
    assert key is not None
    routes = [(method, rule) for method, rule, needed in changing(api.app) if not needed.startswith("session ")]
    assert len(routes) > len(OTHERWISE)

    for number, (method, rule) in enumerate(routes):
        if (method, rule) in OTHERWISE:
            continue
        headers = {
            "Authorization": f"Bearer {secret}",
            "X-Request-Id": f"request-{number}",
            "Content-Type": "application/yaml" if rule == "/slos" else "application/json",
        }
        api.app.test_client().open(re.sub(r"<[^>]+>", "x", rule), method=method, data="{}", headers=headers)
        tried = [each for each in entries(database) if each.actor.request_id == f"request-{number}"]
        assert tried, f"{method} {rule} leaves no record"
        assert tried[-1].actor == Actor(f"acme/{key.key_id}", "127.0.0.1", f"request-{number}")

    assert secret.rpartition(".")[2] not in str(entries(database))


def test_what_is_recorded_otherwise_says_so_beside_its_view(api: Api) -> None:
    said = {
        (method, rule.rule)
        for rule in api.app.url_map.iter_rules()
        for method in (rule.methods or set()) - SAFE_METHODS
        if isinstance(change_of(api.app.view_functions[rule.endpoint]), str)
    }

    assert said == set(OTHERWISE)


def test_actions_are_named_as_the_pages_name_them(api: Api) -> None:
    found = [change_of(view) for view in api.app.view_functions.values()]
    actions = [each.action for each in found if isinstance(each, Change)]

    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", action) for action in actions)
    assert len(actions) == len(set(actions))


def test_every_form_leaves_a_record_of_who_sent_it(api: Api, world: World, keys: Keys, database: Database) -> None:
    key = keys.create("acme", frozenset({Scope.EVENTS_WRITE}), now=NOW).key
    Users(database, Passwords()).create("zoe", "viewer", "a correct horse", by=Actor("test"), now=NOW)
    names = {"account_id": "acme", "key_id": key.key_id, "username": "zoe"}
    forms = [rule for _, rule, needed in changing(api.app) if needed.startswith("session ")]
    assert set(forms) == set(FORMS) | set(FORMS_THAT_SHOW), "A form is missing in this test, or gone."

    for number, rule in enumerate(FORMS):
        somebody = person(api.app, database, Role.ADMIN, name=f"admin{number}")
        fields = dict(FORMS[rule])
        if "seal" in fields:  # Of the difference that one has looked at.
            looked = somebody.post("/ui/definitions/difference", text=fields["text"]).text
            fields["seal"] = re.findall(r'name="seal" value="(\w+)"', looked)[0]
        before = len(entries(database))
        answer = somebody.post(re.sub(r"<([^>]+)>", lambda found: names.get(found[1], "x"), rule), **fields)
        made = entries(database)[: len(entries(database)) - before]
        names.update(ids_on(f"{answer.location} {somebody.get('/ui/reports/schedule').text}"))
        assert made, (rule, answer.status_code, answer.text)
        assert {each.actor.name for each in made} == {f"admin{number}"}, rule


def test_every_command_that_changes_something_leaves_a_record(
    settings: Settings, world: World, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(commands(main)) == set(READS) | set(COMMANDS), "Say of a new command what it changes."
    assert set(VERBS) == {name.split()[0] for name in {**READS, **COMMANDS}}
    Users(database, Passwords()).create("zoe", "viewer", "a correct horse", by=Actor("test"), now=NOW)
    file = tmp_path / "pay.yaml"
    file.write_text(DEFINITION)
    monkeypatch.setenv("SLIPSTREAM_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("SLIPSTREAM_REDIS_URL", settings.redis_url)
    monkeypatch.setenv("SLIPSTREAM_SMTP_URL", "smtp://127.0.0.1:1")

    for name, (arguments, action) in COMMANDS.items():
        before = len(entries(database))
        given = [str(file) if each == "{file}" else each for each in arguments]
        ran = CliRunner().invoke(main, [*name.split(), *given], input="a correct horse battery\n")
        made = entries(database)[: len(entries(database)) - before]
        assert made, (name, ran.output)
        assert (made[-1].action, made[-1].actor.name) == (action, f"cli:{getuser()}"), name


def test_a_dry_run_is_no_change(
    settings: Settings, api: Api, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pay.yaml"
    file.write_text(DEFINITION)
    monkeypatch.setenv("SLIPSTREAM_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("SLIPSTREAM_REDIS_URL", settings.redis_url)
    headers = {"Authorization": f"Bearer {settings.admin_token}", "Content-Type": "application/yaml"}
    client = api.app.test_client()

    assert client.put("/slos?dry_run=1", data=DEFINITION, headers=headers).status_code == 200
    assert CliRunner().invoke(main, ["slo", "apply", str(file), "--dry-run"]).exit_code == 0
    assert entries(database) == []
    assert client.put("/slos", data=DEFINITION, headers=headers).status_code == 200

    (entry,) = entries(database)
    assert (entry.actor.name, entry.action, entry.subject) == ("operator", "slos.apply", "pay")
