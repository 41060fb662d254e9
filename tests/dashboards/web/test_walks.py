"""What people come for, from the first click to the last, in Debian's Chromium.

On each step: no barrier as axe finds them, and a picture in `artefacts/walks`. On each walk: no complaint of the browser, and
nothing is asked of any other machine.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from app.report_composition import pages_of_reports
from app.slo_composition import compose_slos
from ingestion.dead_letters import LetterId
from ingestion.replay import Replayer
from reporting.alerts import alerts_store
from reporting.alerts.standing import Figures, StandingAlert, new_id
from reporting.reports import archive_store
from reporting.reports.archive_compiling import compile_by
from reporting.reports.archive_making import ReportMaking
from reporting.reports.delivery import ReportDelivery
from reporting.reports.rendering import renderings
from reporting.reports.subscription_links import SubscriptionLinks
from reporting.slo.alert_state import Alert, AlertState
from reporting.slo.burn_rate_alert import AlertSeverity
from tests.dashboards.web.browser import Visitor, browser, served
from tests.dashboards.web.test_overview import promise
from tests.dashboards.web.test_queue import letters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from app.composition import Api
    from app.core.database import Database
    from app.core.settings import Settings
    from app.core.valkey import Valkey
    from tests.conftest import World

pytestmark = pytest.mark.tools
__all__ = ["browser", "letters"]

PATIENCE_MS = 120_000
"""For a report on a machine with a hundred other things to do."""
TOKEN = "the-token-of-the-operator"


@pytest.fixture
def base(api: Api, database: Database, valkey: Valkey, world: World) -> Iterator[str]:
    promise(database, valkey, "checkout", bad=40)
    with served(api.app) as base:
        yield base


class Walk(Visitor):
    """Somebody with something to do."""

    def __init__(self, browser: Browser, base: str, name: str) -> None:
        super().__init__(browser, base, directory="walks")
        self._walk = name
        self.page.set_default_timeout(PATIENCE_MS)
        self._steps = 0
        self.sign_in_as_operator(TOKEN)

    def seen(self, step: str, *, phone: bool = False) -> None:
        """Look closely at where the walk has come to, on a phone as well."""
        self._steps += 1
        self.page.wait_for_load_state("networkidle")
        for width in (390, 1440) if phone else (1440,):
            self.look_through(width)
            self.keep_picture(f"{self._walk}-{self._steps}-{step}")
            assert self.barriers() == [], (step, width)
            assert self.overflow() == 0, (step, width)


@contextmanager
def walk(browser: Browser, base: str, name: str) -> Iterator[Walk]:
    visitor = Walk(browser, base, name)
    yield visitor
    assert visitor.complaints == []


@pytest.fixture
def worker(settings: Settings, database: Database, valkey: Valkey) -> ReportMaking:
    """What makes reports in a worker."""
    now, pages = partial(datetime.now, UTC), pages_of_reports(settings)
    return ReportMaking(
        database,
        compile_by(compose_slos(database, valkey).compiler),
        partial(renderings, pages=pages),
        ReportDelivery(SubscriptionLinks(settings.base_url), pages),
        clock=now,
        real_time=now,
    )


def test_a_report_is_made_and_downloaded(browser: Browser, base: str, database: Database, worker: ReportMaking) -> None:
    with walk(browser, base, "report") as visitor:
        page = visitor.page
        visitor.go("/ui/reports")
        visitor.seen("nothing-yet")
        page.get_by_label("Period").first.select_option(index=12)
        page.get_by_role("button", name="Make the report").click()
        page.get_by_role("heading", name="It is being made").wait_for()
        visitor.seen("ordered")
        report_id = page.url.rpartition("/")[2]
        making = threading.Thread(target=worker.make, args=(report_id, 1), kwargs={"by": "walk"})
        making.start()
        page.get_by_role("heading", name="Promises", exact=True).wait_for()
        making.join()
        visitor.seen("ready", phone=True)
        with page.expect_download() as pdf:
            page.get_by_role("link", name="PDF").click()
        with page.expect_download() as tables:
            page.get_by_role("link", name="CSV").click()
        visitor.go("/ui/reports")
        visitor.seen("in-the-archive", phone=True)
        page.get_by_role("link", name="Read").first.click()
        page.get_by_role("heading", level=1).wait_for()
        visitor.keep_picture("report-5-read")

        with database.begin() as connection:
            kept = archive_store.find_file(connection, report_id, "pdf-a4")
        assert kept is not None
        assert pdf.value.path().read_bytes() == kept.content
        assert pdf.value.suggested_filename.endswith(".pdf")
        assert tables.value.path().read_bytes().startswith(b"PK")


def test_reports_are_put_on_a_schedule(browser: Browser, base: str) -> None:
    with walk(browser, base, "schedule") as visitor:
        page = visitor.page
        visitor.go("/ui/reports")
        page.get_by_role("main").get_by_role("link", name="Schedule").first.click()
        visitor.seen("nothing-yet")
        page.get_by_label("Time zone").fill("Mars/Base")
        page.get_by_role("button", name="Schedule it").click()
        page.get_by_text("There is no time zone").wait_for()
        visitor.seen("refused")
        assert page.get_by_label("Time zone").input_value() == "Mars/Base"
        assert page.get_by_label("Time zone").evaluate("field => field === document.activeElement")
        visitor.complaints.clear()  # Chromium says of each 422 that there was one.
        page.get_by_label("Time zone").fill("Europe/Berlin")
        page.get_by_role("button", name="Schedule it").click()
        page.get_by_text("To the archive").wait_for()
        visitor.seen("scheduled")
        page.get_by_role("link", name="Change").click()
        visitor.seen("to-change")
        page.get_by_label("At", exact=False).first.select_option("9")
        page.get_by_role("button", name="Change it").click()
        page.get_by_text("09:00 Europe/Berlin").wait_for()
        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="End").click()
        page.get_by_text("Nothing is scheduled").wait_for()


def test_an_alert_is_acknowledged(browser: Browser, base: str, database: Database) -> None:
    now = datetime.now(UTC)
    fires = Alert(
        state=AlertState.FIRING, since=now, breached_at=now - timedelta(minutes=9), seen_at=now, notified=True
    )
    alert = StandingAlert(
        alert_id=new_id("alr"),
        slo="checkout",
        service="checkout",
        rule="page-1h-5m",
        severity=AlertSeverity.PAGE,
        alert=fires,
        figures=Figures(target="0.9", limit="14.4", burn_rates={"1h": "20.5", "5m": "22"}),
    )
    with database.begin() as connection:
        alerts_store.save(connection, [alert])
    with walk(browser, base, "alert") as visitor:
        page = visitor.page
        visitor.go("/ui/alerts")
        visitor.seen("firing")
        page.get_by_role("link", name="checkout", exact=True).click()
        visitor.seen("figures")
        page.get_by_role("button", name="Acknowledge").click()
        page.get_by_text("Acknowledged").first.wait_for()
        visitor.seen("acknowledged")
        assert page.get_by_role("button", name="Acknowledge").count() == 0


def test_a_dead_letter_is_replayed(browser: Browser, base: str, letters: list[str], database: Database) -> None:
    replayer = Replayer(database, statement_events=100, clock=partial(datetime.now, UTC))
    newest, *others = [LetterId.parse(letter) for letter in reversed(letters)]
    with walk(browser, base, "letter") as visitor:
        page = visitor.page
        visitor.go("/ui/queue")
        page.get_by_text("What it holds").first.click()
        visitor.seen("dead")
        page.get_by_role("button", name="Replay", exact=True).first.click()
        page.wait_for_url("**/ui/queue?replayed=1#letters")
        page.get_by_text("1 letter is on the way back").wait_for()
        visitor.seen("replayed")
        replayer.replay("bolt", [newest])
        page.get_by_text("bolt · a").wait_for(state="detached")
        assert page.get_by_role("button", name="Replay", exact=True).count() == 2
        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Replay all").click()
        page.get_by_text("2 letters are on the way back").wait_for()
        replayer.replay("acme", others)
        page.get_by_text("No dead letter").wait_for()
        visitor.seen("all-replayed")


def test_a_first_event_is_sent_and_its_key_rotated(browser: Browser, base: str) -> None:
    with walk(browser, base, "first-event") as visitor:
        page = visitor.page
        visitor.go("/ui/start?account=bolt")
        visitor.seen("listening")
        page.get_by_role("button", name="Create a key").click()
        key = page.locator("#new-key").inner_text()
        visitor.seen("key")
        sent = page.request.post(
            f"{base}/events",
            data={"events": [{"event_id": "e1", "type": "hello"}]},
            headers={"Authorization": f"Bearer {key}"},
        )
        assert sent.status == 202
        page.get_by_text("1 event of bolt arrived").wait_for()
        visitor.seen("arrived")
        page.get_by_role("link", name="Look at the account").click()
        page.get_by_role("button", name="Rotate").first.click()
        assert page.locator("#issued-key").inner_text().startswith("slip.bolt.")
        visitor.seen("rotated")


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_the_status_page_is_for_everybody(browser: Browser, base: str, *, width: int, dark: bool) -> None:
    visitor = Visitor(browser, base, width=width, dark=dark, directory="walks")
    visitor.go("/status")

    visitor.keep_picture("status")
    assert visitor.barriers() == []
    assert visitor.overflow() == 0
    assert visitor.complaints == []
