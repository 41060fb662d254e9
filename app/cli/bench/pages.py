"""Measures how long the server takes for each page, with a month of data and a thousand accounts."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import quote

from app.cli.bench import pages_store, reports_store
from app.cli.bench.reports_store import Month
from app.cli.bench.results import PageTime
from app.client import Link
from app.core.audit_entry import Actor
from app.core.database import Database
from app.core.sessions_service import Sessions
from app.core.telemetry.rollups import Rollups
from app.core.telemetry.telemetry_store import SERVICE
from app.core.users import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.platform import Platform

DAYS, ROUTES, ACCOUNTS, INCIDENTS = 30, 3, 1_000, 50
LETTERS, ENTRIES, REPORTS = 2_000, 20_000, 60
ROUNDS = 5
APART_S = 6.0
"""Longer than what many browsers look at is held for everybody."""
_PROMISES = ("availability", "ingest-latency", "summary-latency", "freshness")
_PATIENCE_MS = 3_600_000
_MADE_WITHIN_S = 300.0
_OK = 200


def measure_pages(platform: Platform, *, share: float, watch: Callable[[str], None]) -> tuple[PageTime, ...]:
    """Fill the platform, and ask for every page some times, each with another account and another promise."""
    accounts = max(10, round(ACCOUNTS * share))
    watch(f"a month of requests of {accounts:,} accounts")
    report_id, cookie = _fill(platform, days=max(1, round(DAYS * share)), accounts=accounts)
    with Link(platform.base_url) as link:
        return tuple(_measure(link, cookie, list(_pages(report_id, accounts)), watch))


def _fill(platform: Platform, *, days: int, accounts: int) -> tuple[str, str]:
    """Fill the platform and sign in; return the id of a report, and the cookie."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    database = Database(
        platform.instance.database_url, pool_size=2, statement_timeout_ms=_PATIENCE_MS, name="slipstream bench"
    )
    try:
        reports_store.make_month(database, Month(now - timedelta(days=days), now, ROUTES, accounts, INCIDENTS))
        Rollups(database).add_up(now)
        pages_store.live_in(database, accounts=accounts, incidents=INCIDENTS, letters=LETTERS, entries=ENTRIES, now=now)
        reports_store.analyze(database)
        report_id = _report(platform)
        pages_store.copy_report(database, report_id, REPORTS)
        sessions = Sessions(database, admin_token=platform.instance.admin_token)
        session = sessions.open(OPERATOR, datetime.now(UTC), by=Actor(OPERATOR))
    finally:
        database.close()
    return report_id, f"slipstream={session}"


def _report(platform: Platform) -> str:
    """Have a report made by the workers; return its id."""
    deadline = time.monotonic() + _MADE_WITHIN_S
    with platform.admin() as admin:
        order = {"kind": "monthly", "period": f"{datetime.now(UTC):%Y-%m}", "service": SERVICE}
        report_id = str(admin.call("POST", "/reports", order, expect=202)["report_id"])
        while admin.call("GET", f"/reports/{report_id}")["state"] != "ready":
            if time.monotonic() > deadline:
                raise TimeoutError(f"the report {report_id} was not made within {_MADE_WITHIN_S:g} s")
            time.sleep(0.2)
    return report_id


def _pages(report_id: str, accounts: int) -> Iterator[tuple[str, Callable[[int], str]]]:
    """Give every page: its address with what varies left out, and the address of a round."""

    def account(number: int) -> str:
        return f"account-{1 + number * 97 % accounts}"

    def promise(number: int) -> str:
        return _PROMISES[number % len(_PROMISES)]

    def same(path: str) -> Callable[[int], str]:
        return lambda _: path

    for path in (
        "/ui/",
        "/ui/slos",
        "/ui/alerts",
        "/ui/incidents",
        "/ui/maintenance",
        "/ui/reports",
        "/ui/reports/schedule",
        "/ui/accounts",
        "/ui/queue",
        "/ui/users",
        "/ui/audit",
        "/status",
    ):
        yield path, same(path)
    yield "/ui/slos/…", lambda number: f"/ui/slos/{promise(number)}?range=30d"
    yield "/ui/slos/…/live", lambda number: f"/ui/slos/{promise(number)}/live?range=30d"
    yield "/ui/slos/…/charts", lambda number: f"/ui/slos/{promise(number)}/charts?range=30d"
    yield "/ui/incidents/…", lambda number: f"/ui/incidents/inc_{1 + number % INCIDENTS:020}"
    yield "/ui/alerts/…", lambda number: f"/ui/alerts/alr_{1 + number:020}"
    yield "/ui/reports/…", lambda _: f"/ui/reports/{report_id}"
    yield "/ui/accounts/…", lambda number: f"/ui/accounts/{account(number)}"
    yield "/ui/accounts?after=…", lambda number: f"/ui/accounts?after={account(number)}"
    yield "/ui/accounts?q=…", lambda number: f"/ui/accounts?q={account(number)}"
    yield "/ui/start", lambda number: f"/ui/start?account={account(number)}"
    yield "/ui/queue?account_id=…", lambda number: f"/ui/queue?account_id={account(number)}"
    yield "/ui/audit?subject=…", lambda number: f"/ui/audit?subject={quote(account(number))}"


def _measure(
    link: Link, cookie: str, pages: Sequence[tuple[str, Callable[[int], str]]], watch: Callable[[str], None]
) -> Iterator[PageTime]:
    taken: dict[str, list[float]] = {name: [] for name, _ in pages}
    sizes: dict[str, int] = {}
    for number in range(ROUNDS):
        watch(f"{len(pages)} pages, round {number + 1} of {ROUNDS}")
        begun = time.monotonic()
        for name, path_of in pages:
            sizes[name] = _ask(link, cookie, path_of(number), taken[name])
        if number + 1 < ROUNDS:
            time.sleep(max(0.0, begun + APART_S - time.monotonic()))
    for name, times in taken.items():
        yield PageTime(page=name, first_ms=times[0], median_ms=median(times), worst_ms=max(times), bytes=sizes[name])


def _ask(link: Link, cookie: str, path: str, taken: list[float]) -> int:
    begun = time.perf_counter()
    answer = link.request("GET", path, headers={"Cookie": cookie})
    taken.append((time.perf_counter() - begun) * 1_000)
    if answer.status != _OK:
        raise RuntimeError(f"{path} was answered with {answer.status}")
    return len(answer.body)
