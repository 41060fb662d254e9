"""Hostile words in every stored field, through to every page, feed, file and answer: text there, or refused by name."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import lxml.etree
import lxml.html
import pytest

from app.core.roles import Role
from tests.dashboards.web.people import person
from tests.hostile.words import FEW, MARK, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from tests.hostile.planting import Planting

JSON_ROUTES = (
    "/accounts", "/alerts", "/dlq", "/incidents", "/keys?account_id=acme", "/maintenance", "/report-subscriptions", "/reports",
    "/silences", "/slos", "/status.json", "/tiers", "/dashboards/overview-prometheus.json", "/dashboards/slo-detail-prometheus.json", "/dashboards/slo-detail-postgresql.json",
)  # fmt: skip
HARMFUL = ("javascript:", "data:text", "vbscript:")
LINKS = ("href", "src", "action", "formaction", "xlink:href", "hx-get", "hx-post", "poster", "srcdoc")
MOST_OF_A_KIND = 12
PLANTED = FEW


def crawl(planted: Planting, *begin: str) -> Iterator[tuple[str, TestResponse]]:
    """Go wherever the pages lead, to some of each kind, as an admin."""
    admin = person(planted.app, planted.database, Role.ADMIN)
    kinds: Counter[str] = Counter()
    waiting, seen = list(begin), set(begin)
    while waiting:
        path = waiting.pop(0)
        answer = admin.get(path)
        yield path, answer
        if answer.mimetype != "text/html":
            continue
        for _, attribute, link, _ in lxml.html.fromstring(answer.text).iterlinks():
            parts = urlsplit(link)
            if (
                attribute == "action"
                or parts.netloc
                or not parts.path.startswith(("/ui/", "/status"))
                or "/static/" in parts.path
            ):
                continue
            kind = re.sub(r"/(slos|accounts|incidents|alerts)/[^/]+", r"/\1/x", parts.path)
            kinds[kind] += link not in seen
            if link not in seen and kinds[kind] <= MOST_OF_A_KIND:
                seen.add(link)
                waiting.append(link)


def harm_of(html: str) -> list[str]:
    """Return what of a page is more than text, and not of our making."""
    found = []
    for element in lxml.html.fromstring(html).iter():
        if not isinstance(element.tag, str):
            continue
        names = [element.tag, *element.attrib]
        found += [f"<{element.tag}> {name}" for name in names if MARK in name or name.startswith("on")]
        links = [str(element.attrib[name]).strip().lower() for name in LINKS if name in element.attrib]
        found += [f"<{element.tag}> {link}" for link in links if link.startswith(HARMFUL)]
        if element.tag == "script" and MARK in (element.text or "") and element.get("type") != "application/json":
            found.append(f"<script> {element.text}")
    return found


def test_every_word_is_taken_as_text_or_refused_by_the_name_of_its_field(planted: Planting) -> None:
    assert planted.odd == [], "\n".join(planted.odd)
    assert set(planted.taken) >= {
        "name", "description", "title", "root_cause", "text", "owner", "reason", "author", "type", "payload",
    }  # fmt: skip
    fine = [word for word in PLANTED if word.isprintable()]
    for what in ("title", "root_cause", "payload", "reason"):
        assert set(planted.taken[what]) >= set(fine), what
    unstorable = {what for what, words in planted.taken.items() if any("\x00" in word for word in words)}
    # These are counted as `__other__`, as every route and method that nobody can print.
    assert unstorable <= {"route", "method", "nothing"}


def test_on_pages_and_feeds_every_word_is_text(planted: Planting) -> None:
    said = []
    seen = set()

    for path, answer in crawl(planted, "/ui/", "/ui/users", "/ui/audit", "/ui/queue", "/ui/incidents", "/status"):
        assert answer.status_code < 400, (path, answer.status_code)
        assert MARK not in str(answer.headers).lower().replace(f"/{MARK}", ""), path
        if answer.mimetype == "text/html":
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"], path
            assert harm_of(answer.text) == [], path
            said.append(plain(lxml.html.fromstring(answer.text).text_content()))
        seen.add(path.partition("?")[0])

    everything = "\n".join(said)
    for what in ("title", "root_cause", "name"):
        for word in planted.taken[what]:
            assert plain(word) in everything, (what, word)
    assert {"/ui/incidents", "/ui/accounts", "/ui/slos", "/ui/queue", "/ui/maintenance", "/ui/users"} <= seen


def test_feeds_and_badges_are_whole_and_hold_text_alone(planted: Planting) -> None:
    feed = lxml.etree.fromstring(planted.client.get("/status.atom").data)
    badge = lxml.etree.fromstring(planted.client.get("/status/badges/shop.svg").data)

    names = {lxml.etree.QName(element).localname for element in feed.iter() if isinstance(element.tag, str)}
    assert MARK not in "".join(names)
    assert not names & {"script", "svg", "img"}
    assert {lxml.etree.QName(element).localname for element in badge.iter() if isinstance(element.tag, str)} <= {
        "svg", "title", "desc", "rect", "g", "text", "path", "clipPath", "linearGradient", "stop", "mask", "circle",
    }  # fmt: skip


@pytest.mark.parametrize("path", JSON_ROUTES)
def test_as_json_every_word_is_a_string(planted: Planting, path: str) -> None:
    answer = planted.client.get(path, headers={"Authorization": f"Bearer {planted.token}"})

    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    document = json.loads(answer.data)
    assert MARK not in "".join(keys_of(document))
    if path.startswith("/dashboards"):
        assert [panel for panel in panels_of(document) if panel.get("options", {}).get("mode") == "html"] == []


def keys_of(value: Any) -> Iterator[str]:
    """Every name in a document, but in what was sent as a payload."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key not in {"payload", "event", "body"}:
                yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def panels_of(document: Any) -> Iterator[dict[str, Any]]:
    for panel in document.get("panels", []):
        yield panel
        yield from panels_of(panel)
