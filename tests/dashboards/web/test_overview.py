from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.slo_composition import compose_slos
from reporting.slo.windows import minute_of
from tests.dashboards.web.people import text_of
from tests.reporting.evaluation.definitions import slo
from tests.reporting.evaluation.recount import Request, store

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.valkey import Valkey
    from tests.dashboards.web.people import Person


def promise(
    database: Database, valkey: Valkey, name: str, *, bad: int, requests: int = 100, display_name: str = ""
) -> None:
    """Promise 90 % of the requests of a route, of which so many have failed."""
    minute = minute_of(datetime.now(UTC)) - 20
    sent = [Request(minute, f"/{name}", 200, None)] * (requests - bad)
    sent += [Request(minute, f"/{name}", 503, None)] * bad
    store(database, sent)
    text = slo(
        name, service="checkout", total={"route": f"/{name}"}, good={"route": f"/{name}", "status": "<500"}, target=0.9
    )
    if display_name:
        text = text.replace(f"name: {name}", f"name: {name}\n  displayName: {display_name}", 1)
    compose_slos(database, valkey).slos.apply(text, by="test", now=datetime.now(UTC))


def test_without_promises_it_teaches_how_to_make_one(viewer: Person) -> None:
    page = text_of(viewer.get("/ui/"))

    assert "Nothing is promised yet" in page
    assert "slipstream slo apply" in page
    assert "Alerts were never evaluated" in page


def test_the_worst_promise_comes_first_with_what_to_do(viewer: Person, database: Database, valkey: Valkey) -> None:
    promise(database, valkey, "calm", bad=1)
    promise(database, valkey, "broken", bad=40)

    page = text_of(viewer.get("/ui/"))

    assert "1 of 2 promises kept" in page
    assert page.index("broken") < page.index("calm")
    assert "60.00 % of 90 %" in page
    assert "The budget is spent" in page
    assert "99.00 %" in page
    assert "90 % 9 of 10" in page


def test_what_others_have_named_is_text_and_nothing_else(viewer: Person, database: Database, valkey: Valkey) -> None:
    promise(database, valkey, "pay", bad=1, display_name='"<img src=x onerror=alert(1)>"')

    page = viewer.get("/ui/").text

    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_the_live_part_is_read_once_for_everybody(viewer: Person, database: Database, valkey: Valkey) -> None:
    first = viewer.get("/ui/overview/live").text
    promise(database, valkey, "pay", bad=1)

    assert viewer.get("/ui/overview/live").text == first
