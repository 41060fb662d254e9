"""The same words, all of them, in Debian's Chromium: nothing runs, nothing is asked for, nothing is more than text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.dashboards.web.browser import Visitor, browser, served
from tests.hostile.conftest import TOKEN
from tests.hostile.test_stored_words import crawl
from tests.hostile.words import MARK, WORDS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog

    from tests.hostile.planting import Planting

pytestmark = [pytest.mark.tools, pytest.mark.timeout(600)]
__all__ = ["browser"]

PLANTED = WORDS
MADE = f"""() => [...document.querySelectorAll('*')].filter(node =>
  node.localName.includes('{MARK}') || [...node.attributes].some(each =>
    each.name.startsWith('on') || each.name.includes('{MARK}') ||
    (/^(href|src|action|formaction)$/.test(each.name) && /^\\s*(javascript|vbscript|data:text)/i.test(each.value)))
).map(node => node.outerHTML.slice(0, 200))"""


def test_nothing_that_was_written_down_comes_to_life(planted: Planting, browser: Browser) -> None:
    answers = list(crawl(planted, "/ui/", "/ui/users", "/ui/audit", "/status"))
    assert [path for path, answer in answers if answer.status_code >= 400] == []
    paths = [path for path, answer in answers if answer.mimetype == "text/html" and "<html" in answer.text]
    dialogs: list[str] = []
    missing: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    with served(planted.app) as base:
        visitor = Visitor(browser, base)
        visitor.page.on("dialog", note)
        visitor.page.on("response", lambda answer: missing.extend([answer.url] if answer.status >= 400 else []))
        visitor.page.add_init_script(f"window.{MARK} = () => alert('{MARK}')")
        visitor.sign_in_as_operator(TOKEN)
        for path in paths:
            visitor.page.goto(base + path)
            assert visitor.page.evaluate(MADE) == [], path

    assert len(paths) > 20
    assert dialogs == []
    assert missing == []
    assert visitor.complaints == []
