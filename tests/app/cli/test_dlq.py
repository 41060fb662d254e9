"""`slipstream dlq`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from app.cli.main import main
from app.task_queue import task_queue
from ingestion.dead_letters import DeadLetter, LetterId
from ingestion.dead_letters_store import insert_letters

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    from app.core.database import Database
    from app.core.settings import Settings
    from app.core.valkey import Valkey

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def slipstream(settings: Settings) -> Callable[..., Result]:
    def run(*arguments: str, given: str = "") -> Result:
        environment = {
            "SLIPSTREAM_DATABASE_URL": settings.database_url,
            "SLIPSTREAM_REDIS_URL": settings.redis_url,
        }
        return CliRunner().invoke(main, ["dlq", *arguments], env=environment, input=given)

    return run


@pytest.fixture
def letters(database: Database) -> list[str]:
    """A letter of acme's and one of bolt's."""
    made = [
        DeadLetter(
            account_id=account_id,
            id=LetterId(f"07n-179534160025{number}-0", number),
            event_id="e",
            type="a",
            reason="refused-by-store",
            detail="it is refused",
            attempts=1,
            body=b'{"event_id":"e","type":"a"}',
            received_at=NOW,
            died_at=NOW.replace(minute=number),
        )
        for number, account_id in enumerate(("acme", "bolt"))
    ]
    with database.begin() as connection:
        insert_letters(connection, made)
    return [str(letter.id) for letter in made]


def count(database_url: str, table: str) -> int:
    with psycopg.connect(database_url) as connection:
        return connection.execute(f"TABLE {table}").rowcount


def test_letters_are_listed_for_people_and_for_machines(slipstream: Callable[..., Result], letters: list[str]) -> None:
    people, machines = slipstream("list"), slipstream("list", "--account", "acme", "--json")

    heading, *lines = people.stdout.splitlines()
    assert heading.split()[0] == "LETTER"
    assert [line.split()[0] for line in lines] == letters[::-1]
    (letter,) = json.loads(machines.stdout)
    assert (letter["id"], letter["account_id"], letter["body"]) == (letters[0], "acme", '{"event_id":"e","type":"a"}')


def test_named_letters_are_replayed(
    slipstream: Callable[..., Result],
    letters: list[str],
    settings: Settings,
    database: Database,
    valkey: Valkey,
    database_url: str,
) -> None:
    result = slipstream("replay", letters[0])
    huey = task_queue(settings, database, valkey).huey
    huey.execute(huey.dequeue())

    assert (result.exit_code, result.stderr) == (0, "1 dead letters are in the queue again.\n")
    assert count(database_url, "events") == 1
    assert count(database_url, "dead_letters") == 1


def test_all_letters_of_an_account_are_purged(
    slipstream: Callable[..., Result], letters: list[str], database_url: str
) -> None:
    result = slipstream("purge", "--all", "--account", "bolt", "--yes")

    assert (result.exit_code, result.stderr) == (0, "1 dead letters are gone.\n")
    assert count(database_url, "dead_letters") == 1


def test_all_letters_are_purged_only_by_those_who_say_yes(
    slipstream: Callable[..., Result], letters: list[str], database_url: str
) -> None:
    refused = slipstream("purge", "--all", given="n\n")
    kept = count(database_url, "dead_letters")
    accepted = slipstream("purge", "--all", given="y\n")

    assert (refused.exit_code, kept) == (1, 2)
    assert "all dead letters for ever" in refused.stderr
    assert (accepted.exit_code, count(database_url, "dead_letters")) == (0, 0)


def test_an_empty_list_says_so_to_people_and_is_a_list_to_machines(slipstream: Callable[..., Result]) -> None:
    assert slipstream("list").stdout == "No dead letters.\n"
    assert json.loads(slipstream("list", "--json").stdout) == []


def test_reasons_are_named_as_in_the_api(slipstream: Callable[..., Result], letters: list[str]) -> None:
    found = slipstream("list", "--reason", "refused-by-store", "--json")

    assert "[refused-by-store|kept-failing|unreadable]" in slipstream("list", "--help").stdout.replace("\n", "")
    assert {letter["id"] for letter in json.loads(found.stdout)} == set(letters)


def test_a_letter_that_is_not_there_is_named(slipstream: Callable[..., Result], letters: list[str]) -> None:
    result = slipstream("purge", letters[0], "07n-1-1.0")

    assert result.exit_code == 1
    assert "07n-1-1.0" in result.stderr


@pytest.mark.parametrize(
    "arguments", [(), ("--all", "07n-1-1.0"), ("--account", "acme", "07n-1-1.0"), ("nonsense",), ("--account", "acme")]
)
@pytest.mark.parametrize("verb", ["replay", "purge"])
def test_what_is_meant_must_be_clear(
    verb: str, arguments: tuple[str, ...], slipstream: Callable[..., Result], letters: list[str], database_url: str
) -> None:
    assert slipstream(verb, *arguments).exit_code == 2
    assert count(database_url, "dead_letters") == 2
