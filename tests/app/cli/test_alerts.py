"""`slipstream alerts test-route`, with receivers that hear it and others that do not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from app.cli.main import main
from tests.core.notify.conftest import SECRET
from tests.core.notify.receivers import receive, take_mail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result

    from tests.core.notify.receivers import Mailbox, Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    yield from receive()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    yield from take_mail()


@pytest.fixture
def test_route(monkeypatch: pytest.MonkeyPatch, receiver: Receiver, mailbox: Mailbox) -> Callable[..., Result]:
    given = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1",
        "NOTIFY_PAGE": f"{receiver.url}|mailto:second@example.org search=mailto:search@example.org",
        "WEBHOOK_SECRET": SECRET,
        "SMTP_URL": mailbox.url,
        "OUTGOING_NETWORKS": "127.0.0.1",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"SLIPSTREAM_{name}", value)

    def run(*arguments: str, **changed: str) -> Any:
        for name, value in changed.items():
            monkeypatch.setenv(f"SLIPSTREAM_{name}", value)
        return CliRunner().invoke(main, ["alerts", "test-route", *arguments])

    return run


def test_everybody_of_the_route_hears_a_test_without_any_store(
    test_route: Any, receiver: Receiver, mailbox: Mailbox
) -> None:
    result = test_route()

    assert result.exit_code == 0
    assert result.stdout.count("told") == 2
    assert json.loads(receiver.received[0].body)["type"] == "test.route"
    assert mailbox.recipients == ["second@example.org"]
    assert mailbox.messages[0]["Subject"] == "slipstream: this is a test"


def test_a_service_has_its_own_route(test_route: Any, receiver: Receiver, mailbox: Mailbox) -> None:
    assert test_route("--service", "search").exit_code == 0

    assert (mailbox.recipients, receiver.received) == (["search@example.org"], [])


def test_a_target_that_a_policy_names_can_be_tried(test_route: Any, receiver: Receiver, mailbox: Mailbox) -> None:
    assert test_route("--target", "dba", NOTIFY_TARGETS="dba=mailto:dba@example.org").exit_code == 0
    assert (mailbox.recipients, receiver.received) == (["dba@example.org"], [])

    unknown = test_route("--target", "nobody")

    assert unknown.exit_code == 1
    assert "The settings name no target nobody." in unknown.stderr


def test_who_cannot_be_reached_is_named_with_the_reason_and_without_his_secrets(
    test_route: Any, receiver: Receiver
) -> None:
    receiver.script = [500]

    result = test_route("--json")

    assert result.exit_code == 1
    first, second = json.loads(result.stdout)
    assert (first["told"], first["reason"]) == (False, "127.0.0.1 answered 500")
    assert second["told"]
    assert receiver.url not in result.stdout


def test_a_private_address_is_refused_and_the_setting_named(test_route: Any, receiver: Receiver) -> None:
    result = test_route(OUTGOING_NETWORKS="10.0.0.0/8")

    assert result.exit_code == 1
    assert "SLIPSTREAM_OUTGOING_NETWORKS" in result.stdout
    assert receiver.received == []


def test_a_dry_run_tells_nobody(test_route: Any, receiver: Receiver, mailbox: Mailbox) -> None:
    result = test_route("--dry-run")

    assert result.exit_code == 0
    assert result.stdout.count("would be told") == 2
    assert (receiver.received, mailbox.messages) == ([], [])


def test_without_anybody_to_tell_it_says_so(test_route: Any) -> None:
    result = test_route("--severity", "ticket")

    assert result.exit_code == 1
    assert "SLIPSTREAM_NOTIFY_TICKET" in result.stderr
