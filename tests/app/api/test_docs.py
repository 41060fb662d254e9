"""The page of documentation, and the pages of problems."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from app.core.problems import ProblemType

if TYPE_CHECKING:
    from flask.testing import FlaskClient

VOID = {"meta", "link", "br", "img", "input", "hr", "wbr"}


class Page(HTMLParser):
    """What matters of a page: its anchors, its links, what it loads, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href":
                self.links.append(value or "")
            elif name in {"src", "srcset", "style", "onclick", "onload"}:
                self.loaded.append(f"{tag} {name}")
        if tag in {"script", "iframe", "link"}:
            self.loaded.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture
def page(client: FlaskClient) -> Page:
    return Page(client.get("/docs").get_data(as_text=True))


def test_the_page_shows_every_operation(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert document is not None

    text = html.unescape(client.get("/docs").get_data(as_text=True))

    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"] in text
            assert f'<span class="method {method}">{method.upper()}</span> <code>{path}</code>' in text


def test_the_page_shows_scopes_and_the_other_ways_to_send(client: FlaskClient) -> None:
    text = html.unescape(client.get("/docs").get_data(as_text=True))

    assert '<span class="scope">scope <code>events:write</code></span>' in text
    # Of events and of telemetry.
    assert text.count("-H 'Content-Encoding: gzip") == text.count("-H 'Idempotency-Key: ") == 2
    assert text.count("-H 'Content-Type: application/cloudevents+json") == 1


def test_the_page_is_well_made_and_all_its_anchors_lead_somewhere(page: Page) -> None:
    assert (page.open, page.wrong) == ([], [])
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_the_page_loads_nothing(page: Page) -> None:
    assert page.loaded == []


def test_the_policy_allows_the_style_of_the_page_and_nothing_else(client: FlaskClient) -> None:
    response = client.get("/docs")

    policy = response.headers["Content-Security-Policy"]
    styles = re.findall(r"<style>(.*?)</style>", response.get_data(as_text=True), re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles]
    assert len(hashes) == 1
    assert f"style-src 'sha256-{hashes[0]}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("kind", list(ProblemType), ids=lambda kind: kind.slug)
def test_every_problem_has_a_page(client: FlaskClient, kind: ProblemType) -> None:
    response = client.get(f"/problems/{kind.slug}")

    assert response.status_code == 200
    assert response.json is not None
    assert response.json["type"].endswith(f"/problems/{kind.slug}")
    assert (response.json["status"], response.json["advice"]) == (kind.status, kind.advice)


def test_another_problem_has_none(client: FlaskClient) -> None:
    assert client.get("/problems/nonsense").status_code == 404


def test_the_page_shows_what_is_left_and_how_a_refusal_looks_with_examples(client: FlaskClient) -> None:
    page = html.unescape(client.get("/docs").get_data(as_text=True))

    assert '<code>"events_per_minute";r=9900;t=1, "daily_quota"' in page
    assert '<code>"summaries_per_minute";r=598;t=1</code>' in page
    refusal = page[page.index("HTTP/1.1 429 Too Many Requests") :].partition("</code>")[0]
    for field in ("Content-Type: application/problem+json", "Retry-After: ", "RateLimit: ", "RateLimit-Policy: "):
        assert f"\n{field}" in refusal
    assert '"limit": "events_per_minute"' in refusal
    assert '"events_per_minute";r=0;' in refusal
