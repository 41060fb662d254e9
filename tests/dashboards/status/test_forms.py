"""The page in all its forms: what they say, and what no text from outside can make of them."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from xml.parsers import expat

import msgspec
import pytest

from dashboards.status.atom import atom_of
from dashboards.status.badge import badge
from dashboards.status.bars import picture_of
from dashboards.status.html import html_of, policy, with_age
from dashboards.status.model import Window
from dashboards.status.rendering import rendered
from dashboards.status.state import State
from dashboards.status.view import json_of
from reporting.publication.publication import Progress, PublicUpdate
from tests.dashboards.status.pages import NOW, day, incident, page, service

HOSTILE = '"><script>alert(1)</script>&amp;{{7*7}}]]>\x0b\x1b\ufffe'
BASE = "https://status.example"
VOID = {"meta", "link", "br", "img"}


class Elements(HTMLParser):
    """Every element with its attributes, and whether they are closed as they were opened."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def texts_in(xml: bytes) -> dict[str, list[str]]:
    """The texts of every element, by name; raises when it is no XML."""
    found: dict[str, list[str]] = {}
    names: list[str] = []
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        names.append(name)
        found.setdefault(name, []).append("")

    def text(data: str) -> None:
        found[names[-1]][-1] += data

    parser.StartElementHandler, parser.CharacterDataHandler = start, text
    parser.EndElementHandler = lambda _: names.pop()
    parser.Parse(xml, True)
    return found


def everything(**changed: Any) -> Any:
    services = (
        service("checkout", State.OUTAGE, day(1, State.MAINTENANCE, 0, 0, 1_440), day(0, State.OUTAGE, 500, 1_000)),
        service("search", State.NO_DATA, day(0, State.NO_DATA, 0, 0)),
    )
    over = incident(
        incident_id="inc_2",
        service="search",
        title="Search was slow",
        started_at=NOW - timedelta(days=3),
        resolved_at=NOW - timedelta(days=3, hours=-1),
    )
    window = Window(("checkout", "search"), NOW - timedelta(minutes=5), NOW + timedelta(hours=30))
    return page(*services, **{"incidents": (incident(), over), "maintenance": (window,), **changed})


def test_the_page_is_whole_and_has_no_script_and_nothing_from_elsewhere() -> None:
    html = html_of(everything())
    elements = Elements(html)

    assert elements.open == []
    assert not elements.all("script")
    assert all(not name.startswith("on") and name != "style" for _, attributes in elements.found for name in attributes)
    links = {attributes.get(name) for _, attributes in elements.found for name in ("href", "src")} - {None}
    assert all(not re.match(r"(?:\w+:)?//", str(link)) for link in links)
    (found,) = re.findall(rb"<style>(.*?)</style>", html, re.DOTALL)
    assert base64.b64encode(hashlib.sha256(found).digest()).decode() in policy()
    assert "unsafe" not in policy()


def test_every_id_is_one_and_every_label_leads_to_one() -> None:
    elements = Elements(html_of(everything()))
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]

    assert len(set(ids)) == len(ids)
    asked = [attributes["aria-labelledby"] for _, attributes in elements.found if "aria-labelledby" in attributes]
    assert set(asked) <= set(ids)
    assert {str(each["href"])[1:] for each in elements.all("a") if str(each["href"]).startswith("#")} <= set(ids)


def test_the_page_says_how_it_is_and_what_was_told() -> None:
    html = html_of(everything()).decode()

    for text in (
        "Outage of checkout",
        "As of <time",
        "22 Nov 2026, 15:17 CET",
        "Payments fail",
        "A database is full.",
        "Search was slow",
        "Under way",
        "No data",
        "1 h",
    ):
        assert text in html
    assert "Ada" not in html


def test_bars_are_told_apart_without_colour_and_said_in_words() -> None:
    picture = picture_of(
        service("checkout", State.OUTAGE, *(day(ago, state) for ago, state in enumerate(State, start=0)))
    )

    heights = {bar.kind: bar.height for bar in picture.bars}
    assert len(picture.bars) == 90
    assert len(set(heights.values())) == len(State)
    assert heights["no_data"] < heights["operational"] < heights["outage"]
    assert (
        picture.summary == "checkout, the last 90 days: 86 operational, 1 degraded, 1 outage, 1 maintenance, 1 no data."
    )


def test_good_is_rounded_down() -> None:
    html = html_of(page(service("checkout", State.OPERATIONAL, day(0, good=99_999, total=100_000)))).decode()

    assert '<span class="ratio">99.99\u202f% good</span>' in html


def test_a_service_without_any_data_has_no_percentage() -> None:
    html = html_of(
        page(service("search", State.NO_DATA, *(day(ago, State.NO_DATA, 0, 0) for ago in range(89, -1, -1))))
    )

    assert b"No data yet" in html
    assert b"100" not in re.sub(rb"<svg.*?</svg>|<style>.*?</style>", b"", html, flags=re.DOTALL)


def test_a_page_that_could_not_be_made_again_says_how_old_it_is() -> None:
    html = html_of(everything())

    old = with_age(html, timedelta(hours=2, minutes=5))

    assert b"This is how it was 2 h 5 min ago." in old
    assert b"This is how it was" not in html
    assert Elements(old).open == []


@pytest.mark.parametrize("field", ["service", "title", "text"])
def test_no_text_from_outside_is_markup_in_any_form(field: str) -> None:
    name = HOSTILE if field == "service" else "checkout"
    shown = incident(
        service=name,
        title=HOSTILE if field == "title" else "Payments fail",
        updates=(PublicUpdate(NOW, Progress.MONITORING, HOSTILE if field == "text" else "Wait."),),
    )
    copy = rendered(page(service(name, State.DEGRADED), incidents=(shown,)), BASE)

    assert not Elements(copy.files["index.html"]).all("script")
    assert b"49" not in re.sub(rb"<svg.*?</svg>|<style>.*?</style>", b"", copy.files["index.html"], flags=re.DOTALL)
    assert "<script>" in str(texts_in(copy.files["status.atom"]))
    assert msgspec.json.decode(copy.files["status.json"])
    for file, content in copy.files.items():
        if file.startswith("badges/"):
            assert "/" not in file.removeprefix("badges/")
            texts_in(content)


def test_the_feed_is_atom_with_ids_that_stay_and_instants_that_move() -> None:
    before = texts_in(atom_of(page(service(), incidents=(incident(updates=()),)), BASE))
    after = texts_in(atom_of(page(service(), incidents=(incident(),)), BASE))

    assert before["id"] == after["id"] == ["tag:status.example,2026:status", "tag:status.example,2026:inc_1"]
    assert before["updated"] < after["updated"]
    assert "Identified" in after["content"][0].title()
    assert after["title"] == ["Status", "checkout: Payments fail"]


def test_a_feed_without_incidents_is_the_same_all_day() -> None:
    first, later = (atom_of(page(service(), as_of=NOW + timedelta(hours=hours)), BASE) for hours in (0, 3))

    assert first == later


def test_json_has_no_ratio_where_nothing_was_measured() -> None:
    found = msgspec.json.decode(json_of(page(service("search", State.NO_DATA, day(0, State.NO_DATA, 0, 0)))))

    assert found["services"][0]["days"][-1] == {
        "on": "2026-11-22",
        "state": "no_data",
        "good_ratio": None,
        "maintenance_minutes": 0,
    }
    assert (found["state"], found["timezone"]) == ("no_data", "Europe/Berlin")


@pytest.mark.parametrize("state", State)
def test_a_badge_says_service_and_state(state: State) -> None:
    texts = texts_in(badge("checkout", state))

    assert texts["title"] == [f"checkout: {state.words.lower()}"]
    assert texts["text"] == ["checkout", state.words.lower()]
