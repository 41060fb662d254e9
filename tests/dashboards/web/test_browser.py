"""Pages as people use them, in Debian's Chromium, without a complaint of the browser and without a barrier."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.dashboards.web.browser import Visitor, browser, served
from tests.dashboards.web.test_overview import promise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from app.composition import Api
    from app.core.database import Database
    from app.core.valkey import Valkey
    from tests.conftest import World

pytestmark = pytest.mark.tools
__all__ = ["browser"]

TOKEN = "the-token-of-the-operator"
PAGES = (
    "/ui/",
    "/ui/slos",
    "/ui/definitions",
    "/ui/slos/broken?range=1h",
    "/ui/alerts",
    "/ui/incidents",
    "/ui/maintenance",
    "/ui/reports",
    "/ui/reports/schedule",
    "/ui/accounts",
    "/ui/accounts/acme",
    "/ui/queue",
    "/ui/start?account=acme",
    "/ui/users",
    "/ui/audit",
)


@pytest.fixture
def base(api: Api, database: Database, valkey: Valkey, world: World) -> Iterator[str]:
    promise(database, valkey, "calm", bad=1)
    promise(database, valkey, "broken", bad=40)
    with served(api.app) as base:
        yield base


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False), (390, True)])
def test_every_page_is_for_everybody(browser: Browser, base: str, *, width: int, dark: bool) -> None:
    visitor = Visitor(browser, base, width=width, dark=dark)
    visitor.go("/ui/login")
    assert visitor.barriers() == []
    visitor.sign_in_as_operator(TOKEN)

    for path in PAGES:
        visitor.go(path)
        visitor.keep_picture(path.partition("?")[0].strip("/").replace("/", "-"))
        assert visitor.barriers() == [], path
        assert visitor.overflow() == 0, path
    assert visitor.complaints == []


def test_the_menu_opens_on_a_phone_and_the_theme_is_kept(browser: Browser, base: str) -> None:
    visitor = Visitor(browser, base, width=390)
    visitor.sign_in_as_operator(TOKEN)
    page = visitor.page

    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Light or dark").click()
    page.reload()

    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/ui/login")
    assert visitor.complaints == []


def test_the_overview_keeps_itself_up_to_date(browser: Browser, base: str) -> None:
    visitor = Visitor(browser, base)
    visitor.sign_in_as_operator(TOKEN)
    page = visitor.page
    started = datetime.now(UTC)

    with page.expect_response("**/ui/overview/live", timeout=40_000) as answer:
        pass

    assert answer.value.status == 200
    assert (datetime.now(UTC) - started).total_seconds() < 40
    page.get_by_role("heading", name="1 of 2 promises kept").wait_for()
    assert visitor.complaints == []
