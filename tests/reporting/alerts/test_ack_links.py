"""Acknowledgement by signed link: looking changes nothing, and nobody makes a link but we."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from app.composition import Counting, compose_api
from app.core.audit import Audit
from app.core.database import Database
from reporting.alerts.ack_links import HOLDS_FOR, AckLinks, LinkError
from tests.reporting.alerts.conftest import FAST, NOW, B, reading

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from app.core.settings import Settings
    from tests.reporting.alerts.conftest import Days


@pytest.fixture
def link(days: Days) -> str:
    """The path of the link that somebody was told of a firing alert."""
    days.now = datetime.now(UTC)
    days.say(reading("a", B))
    return days.told()[0]["link"].removeprefix("https://slip.example")


def test_looking_asks_and_changes_nothing_however_often(client: FlaskClient, days: Days, link: str) -> None:
    for method in ("GET", "HEAD", "GET", "OPTIONS"):
        response = client.open(link, method=method)
        assert response.status_code == 200

    page = client.get(link)
    assert "Are you on it?" in page.text
    assert "checkout: a" in page.text
    assert '<form method="post">' in page.text
    assert days.states() == {f"a/{FAST}": "firing"}
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_saying_so_acknowledges_everything_that_fires_in_the_incident(
    client: FlaskClient, days: Days, database: Database, link: str
) -> None:
    days.say(reading("a", B), reading("b", B))

    response = client.post(link, data={"name": "Ada\r\n<script>"})

    assert response.status_code == 200
    assert "Ada &lt;script&gt; (by link)" in response.text
    assert days.states() == {f"a/{FAST}": "acknowledged", f"b/{FAST}": "acknowledged"}
    assert days.told()[-1]["event"] in {"incident.acknowledged", "incident.updated"}
    assert "Somebody is on it" in client.get(link).text
    (entry,) = Audit(database).page(limit=2)
    assert (entry.actor.name, entry.action) == ("link", "incidents.acknowledge")
    assert entry.detail == {"by": "Ada <script> (by link)"}
    assert link.removeprefix("/ack/") not in str(entry)


def test_saying_so_again_or_without_a_name_is_fine(client: FlaskClient, days: Days, link: str) -> None:
    assert "somebody with the link" in client.post(link).text
    assert client.post(link, data={"name": "Bob"}).status_code == 200
    assert days.events() == ["firing", "acknowledged"]


def test_a_form_of_many_fields_is_a_form(client: FlaskClient, link: str) -> None:
    form = {f"field-{number}": "x" for number in range(50)} | {"name": "Ada"}

    assert "Ada (by link)" in client.post(link, data=form).text
    assert client.post("/ack/guess", data=form).status_code == 404


def test_whoever_guesses_links_is_held_off_and_a_link_that_holds_is_not(settings: Settings, link: str) -> None:
    few = replace(settings, strangers_per_second=2, strangers_per_address=0)
    api = compose_api(few, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    client = api.app.test_client()

    guesses = [client.open("/ack/guess", method=method).status_code for method in ("GET", "POST") * 5]

    assert (guesses[0], guesses[-1]) == (404, 429)
    assert client.get(link).status_code == 200
    api.close()


def test_when_it_is_over_there_is_nothing_to_say(client: FlaskClient, days: Days, link: str) -> None:
    days.say()

    page = client.get(link)

    assert "It is over" in page.text
    assert "<form" not in page.text
    assert client.post(link).status_code == 200
    assert days.states() == {f"a/{FAST}": "removed"}


@pytest.mark.parametrize("position", [6, 30, 40, -1])
def test_a_link_that_was_changed_anywhere_holds_no_longer(
    client: FlaskClient, days: Days, link: str, position: int
) -> None:
    letters = list(link)
    letters[position] = "1" if letters[position] == "0" else "0"
    changed = "".join(letters)

    assert client.get(changed).status_code == 404
    assert client.post(changed, data={"name": "Eve"}).status_code == 404
    assert days.states() == {f"a/{FAST}": "firing"}


def test_a_link_ends_to_hold(database: Database) -> None:
    links = AckLinks("https://slip.example")
    with database.begin() as connection:
        token = links.link(connection, "inc_00000000000000000000", NOW).rpartition("/")[2]

    assert links.read(token, NOW + HOLDS_FOR, database) == "inc_00000000000000000000"
    with pytest.raises(LinkError):
        links.read(token, NOW + HOLDS_FOR + timedelta(seconds=1), database)


def test_every_process_knows_the_key_and_no_other_installation_does(database: Database) -> None:
    with database.begin() as connection:
        token = AckLinks("https://a.example").link(connection, "inc_00000000000000000000", NOW).rpartition("/")[2]

    assert AckLinks("https://b.example").read(token, NOW, database)
    stranger = AckLinks("https://c.example")
    stranger._key = b"x" * 32
    with pytest.raises(LinkError):
        stranger.read(token, NOW, database)


def test_a_key_that_was_made_in_vain_is_not_used(database: Database) -> None:
    links = AckLinks("https://a.example")
    with pytest.raises(ZeroDivisionError), database.begin() as connection:
        for _ in range(2):
            links.link(connection, "inc_00000000000000000000", NOW)
        raise ZeroDivisionError

    with database.begin() as connection:
        AckLinks("https://b.example").link(connection, "inc_00000000000000000000", NOW)
        token = links.link(connection, "inc_00000000000000000000", NOW).rpartition("/")[2]
    assert AckLinks("https://c.example").read(token, NOW, database)


def test_whoever_guesses_links_takes_nobodys_connection(database: Database) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none", pool_timeout_s=0.1)
    links = AckLinks("https://a.example")
    guesses = ("x", f"inc_00000000000000000000.1.{'A' * 43}")
    with pytest.raises(LinkError):
        links.read(guesses[1], NOW, database)

    for guess in guesses:
        with pytest.raises(LinkError):
            links.read(guess, NOW, nowhere)
    nowhere.close()


@pytest.mark.parametrize("token", ["x", "%00", "inc_1.1.1", "../alerts", "a" * 5_000])
def test_what_is_no_link_is_not_found(client: FlaskClient, token: str) -> None:
    assert client.get(f"/ack/{token}").status_code == 404
