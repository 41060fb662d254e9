from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.dashboards.web.people import text_of
from tests.dashboards.web.test_overview import promise

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.valkey import Valkey
    from tests.dashboards.web.people import Person


def test_the_list_is_by_service_and_the_worst_first(viewer: Person, database: Database, valkey: Valkey) -> None:
    promise(database, valkey, "calm", bad=1)
    promise(database, valkey, "broken", bad=40)

    page = text_of(viewer.get("/ui/slos"))
    none = text_of(viewer.get("/ui/slos?service=search"))

    assert page.index("broken") < page.index("calm")
    assert "This service has promised nothing" in none


def test_a_page_says_what_is_left_how_it_burns_and_what_is_written(
    viewer: Person, database: Database, valkey: Valkey
) -> None:
    promise(database, valkey, "pay", bad=4)

    page = viewer.get("/ui/slos/pay")
    text = text_of(page)

    assert "96.00 %" in text
    assert "4 bad of 100 events" in text
    assert "6 of 10 bad events that are allowed" in text
    assert "60.0 %" in text
    assert "kind: SLO" in page.text
    assert "/ui/slos/pay/charts?range=7d" in page.text


@pytest.mark.parametrize("wanted", ["1h", "6h", "1d", "7d", "30d"])
def test_every_chart_has_its_data_in_words_and_in_a_table(
    viewer: Person, database: Database, valkey: Valkey, wanted: str
) -> None:
    promise(database, valkey, "pay", bad=4)

    page = viewer.get(f"/ui/slos/pay/charts?range={wanted}").text

    specs = [json.loads(each) for each in re.findall(r"data-spec>(.*?)</script>", page, flags=re.DOTALL)]
    assert len(specs) == page.count("Data behind this chart") == 2
    assert all(spec["$schema"].endswith("v6.json") for spec in specs)
    assert "4 bad of 100 requests." in page
    assert "POST /pay" in page


def test_a_time_without_data_says_so(viewer: Person, database: Database, valkey: Valkey) -> None:
    promise(database, valkey, "pay", bad=0, requests=0)

    assert "Nothing was measured in this time" in text_of(viewer.get("/ui/slos/pay/charts?range=1h"))


def test_a_missing_slo_and_a_range_that_is_none_are_refused(viewer: Person, database: Database, valkey: Valkey) -> None:
    promise(database, valkey, "pay", bad=4)

    assert viewer.get("/ui/slos/missing").status_code == 404
    assert viewer.get("/ui/slos/pay?range=2d").status_code == 400
    assert viewer.get("/ui/slos/%00").status_code == 404


def test_a_name_from_outside_ends_no_script(viewer: Person, database: Database, valkey: Valkey) -> None:
    promise(database, valkey, "pay", bad=4, display_name='"</script><script>alert(1)</script>\u202e"')

    pages = viewer.get("/ui/slos/pay").text + viewer.get("/ui/slos/pay/charts").text

    assert "<script>alert" not in pages
    assert "\u202e" not in pages.split("<pre")[0]
