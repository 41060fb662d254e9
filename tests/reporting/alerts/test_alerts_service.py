"""What people do with alerts, several at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reporting.alerts.alerts_service import Alerts
from reporting.alerts.telling import TOGETHER, Teller
from tests.reporting.alerts.conftest import FAST, REMIND, B, reading

if TYPE_CHECKING:
    from app.core.database import Database
    from tests.reporting.alerts.conftest import Days


class Meeting(Teller):
    """Waits a moment for another who has got as far, before it tells."""

    barrier = threading.Barrier(2)

    def tell(self, *given: Any, **named: Any) -> int:
        with suppress(threading.BrokenBarrierError):
            self.barrier.wait(timeout=0.5)
        return super().tell(*given, **named)


def test_two_who_acknowledge_while_there_is_other_news_do_not_wait_for_each_other(
    days: Days, database: Database
) -> None:
    outage = [reading("a", B), reading("b", B, service="search")]
    days.say(*outage)
    days.say(*outage, reading("c", B), reading("d", B, service="search"))
    later = days.now + TOGETHER + timedelta(minutes=1)
    alerts = Alerts(database, Meeting(link=days.links.link, remind_after=REMIND))
    ids = [days.standing()[slo, FAST].alert_id for slo in ("a", "b")]

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda alert_id: alerts.acknowledge(alert_id, later, by="operator"), ids))

    states = days.states()
    assert [states[f"{slo}/{FAST}"] for slo in "abcd"] == ["acknowledged", "acknowledged", "firing", "firing"]
