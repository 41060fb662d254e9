from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.slo_composition import compose_slos
from reporting.annotations.annotation import AnnotationKind
from reporting.annotations.annotations_service import Annotations, NewAnnotation
from reporting.slo.windows import minute_of
from tests.dashboards.web.people import text_of
from tests.dashboards.web.test_overview import promise
from tests.reporting.evaluation.definitions import slo
from tests.reporting.evaluation.recount import Request, store

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


def test_the_accounts_with_the_bad_requests_are_named_and_all_others_are_one(
    viewer: Person, database: Database, valkey: Valkey
) -> None:
    promise(database, valkey, "pay", bad=4)
    minute = minute_of(datetime.now(UTC)) - 20
    of_accounts = [
        Request(minute + number % 3, "/pay", 503, None, account=f"account-{number}", writer="w2")
        for number in range(8)
        for _ in range(10 * (8 - number))
    ]
    fine = [Request(minute, "/pay", 200, None, account="account-0", writer="w3")] * 80
    store(database, [*of_accounts, *fine, Request(minute, "/else", 503, None, account="nobody", writer="w4")])

    text = text_of(viewer.get("/ui/slos/pay/accounts?range=1h"))

    assert "account-0 80 22.0 % 50.0 % account-1 70" in text
    assert "account-4 40 11.0 % 100.0 % 3 others 60 16.5 % 100.0 % No account known 4 1.1 %" in text
    assert "8 accounts have a bad request in this time" in text
    assert "nobody" not in text


def test_how_long_requests_took_counts_for_accounts_as_well(viewer: Person, database: Database, valkey: Valkey) -> None:
    minute = minute_of(datetime.now(UTC)) - 20
    slow = [Request(minute + number, "/pay", 200, 900_000, account="slow") for number in range(3)]
    quick = [Request(minute, "/pay", 200, 90_000, account=name) for name in ("slow", "quick")]
    store(database, [*slow, *quick])
    of_requests = {"route": "/pay"}
    text = slo("fast", service="checkout", total=of_requests, good={**of_requests, "duration_ms": "<500"}, target=0.9)
    compose_slos(database, valkey).slos.apply(text, by="test", now=datetime.now(UTC))

    shown = text_of(viewer.get("/ui/slos/fast/accounts?range=1h"))

    assert "slow 3 100.0 % 75.0 %" in shown
    assert "quick" not in shown


def test_without_accounts_it_says_what_is_missing(viewer: Person, database: Database, valkey: Valkey) -> None:
    promise(database, valkey, "pay", bad=4)
    promise(database, valkey, "calm", bad=0)

    assert "whose the 4 bad requests were" in text_of(viewer.get("/ui/slos/pay/accounts?range=1h"))
    assert "None was bad" in text_of(viewer.get("/ui/slos/calm/accounts?range=1h"))
    assert viewer.get("/ui/slos/missing/accounts").status_code == 404


def test_deploys_of_the_service_are_pinned_to_every_chart(viewer: Person, database: Database, valkey: Valkey) -> None:
    promise(database, valkey, "pay", bad=4)
    now, annotations = datetime.now(UTC), Annotations(database)
    for service, minutes, text in (
        ("checkout", 10, "checkout </script>2.3"),
        ("checkout", 90, "long ago"),
        ("search", 10, "of others"),
    ):
        wanted = NewAnnotation(
            kind=AnnotationKind.DEPLOY, service=service, text=text, at=now - timedelta(minutes=minutes)
        )
        annotations.add(wanted, now, by="ops/ab12")

    page = viewer.get("/ui/slos/pay/charts?range=1h").text

    specs = [json.loads(each) for each in re.findall(r"data-spec>(.*?)</script>", page, flags=re.DOTALL)]
    assert len(specs) == 2
    for spec in specs:
        flags = [layer for layer in spec["layer"] if layer["mark"].get("shape") == "triangle-up"]
        assert [value["text"] for layer in flags for value in layer["data"]["values"]] == ["checkout </script>2.3"]
    assert "1 deploy" in page
    assert page.count("Deploy: checkout &lt;/script&gt;2.3") == 2
    assert "of others" not in page
    assert "long ago" not in page
