"""A report's HTML in Debian's Chromium: readable by everybody, on a phone too, and with nothing in it that runs or asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reporting.reports.archive import Format
from reporting.reports.rendering import renderings
from tests.dashboards.web.browser import AXE, STANDARDS, browser
from tests.reporting.reports.hostile import hostile_month

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.tools
__all__ = ["browser"]

PHONE, DESK = 390, 1440


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[Format, Path]:
    directory = tmp_path_factory.mktemp("report")
    places = {}
    for kind, content in renderings(hostile_month(), [Format.HTML, Format.MAIL]).files.items():
        places[kind] = directory / f"{kind}.html"
        places[kind].write_bytes(content)
    return places


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("kind", [Format.HTML, Format.MAIL])
def test_nothing_runs_nothing_is_asked_for_and_everybody_can_read_it(
    documents: dict[Format, Path], browser: Browser, kind: Format, width: int
) -> None:
    address = documents[kind].as_uri()
    # The policy of the page would keep axe out too.
    with browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True) as context:
        page, heard = context.new_page(), list[str]()
        page.on("dialog", lambda dialog: (heard.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda message: heard.append(message.text))
        page.on("request", lambda asked: heard.append(asked.url))
        page.goto(address)

        assert violations(page) == []
        assert heard == [address]
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("tags => axe.run({runOnly: tags})", list(STANDARDS))["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]
