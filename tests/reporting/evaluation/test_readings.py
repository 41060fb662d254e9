"""What alerts are evaluated on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reporting.slo.signals import Signal
from reporting.slo.windows import minute_of
from tests.reporting.evaluation.definitions import slo
from tests.reporting.evaluation.recount import Request, store

if TYPE_CHECKING:
    from app.core.database import Database
    from app.slo_composition import SLOParts

NOW = datetime.now(UTC).replace(second=20, microsecond=0)
END = minute_of(NOW) + 1
TEXT = slo("pay", service="checkout", total={}, good={"status": "<500"})


def test_a_breached_pair_says_so_and_the_budget_goes(database: Database, parts: SLOParts) -> None:
    store(database, [Request(END - 1 - back, "/pay", 500, 1) for back in range(60) for _ in range(10)])
    parts.catalogue.apply(TEXT, by="test", now=NOW)

    (reading,) = parts.read(NOW)

    assert (reading.name, reading.service, str(reading.target.target)) == ("pay", "checkout", "0.99")
    assert [rule.long_window.total_seconds() for rule in reading.rules] == [3_600, 21_600]
    assert reading.signals == (Signal.BREACHING, Signal.BREACHING)
    assert reading.burn_rates["1h"] == 100
    assert reading.budget_remaining_ratio == -99
    assert reading.state == "EXHAUSTED"


def test_nothing_measured_is_no_data_and_not_clear(parts: SLOParts) -> None:
    parts.catalogue.apply(TEXT, by="test", now=NOW)

    (reading,) = parts.read(NOW)

    assert reading.signals == (Signal.NO_DATA, Signal.NO_DATA)
    assert reading.budget_remaining_ratio is None
    assert reading.state == "NO_DATA"


def test_a_removed_slo_is_read_no_more(parts: SLOParts) -> None:
    parts.catalogue.apply(TEXT, by="test", now=NOW)
    parts.catalogue.remove("pay", by="test", now=NOW)

    assert parts.read(NOW) == []
