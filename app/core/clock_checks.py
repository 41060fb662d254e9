"""Whether the clocks agree of the machines that date an event: this one, PostgreSQL's and Valkey's."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from app.core.findings import State, judge, weakest
from app.core.server_store import server_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.database import Database
    from app.core.findings import Finding
    from app.core.valkey import Valkey

SUSPICIOUS_S = 1.0
BROKEN_S = 30.0
"""Half of the freshness limit of 60 s: beyond, stored in time and stored late cannot be told apart."""


def check_clocks(database: Database, valkey: Valkey, clock: Callable[[], float] = time.time) -> list[Finding]:
    """Compare the servers' clocks with ours. Raises `DependencyError` when one cannot be asked."""

    def postgresql() -> float:
        with database.begin() as connection:
            return server_clock(connection)

    def of(server: Valkey) -> float:
        seconds, microseconds = server.execute("TIME")
        return int(seconds) + int(microseconds) / 1_000_000

    queue = weakest([_compare("valkey", partial(of, server), clock)] for server in valkey.servers())
    return [_compare("postgresql", postgresql, clock), *queue]


def _compare(name: str, theirs: Callable[[], float], ours: Callable[[], float]) -> Finding:
    """Compare with the middle of the question and its answer; the way there and back is no difference."""
    theirs()  # The first question also opens a connection.
    asked = ours()
    told = theirs()
    answered = ours()
    ahead = told - (asked + answered) / 2
    unsure = (answered - asked) / 2
    difference = max(0.0, abs(ahead) - unsure)
    return judge(
        subject="clock",
        name=name,
        good=difference < SUSPICIOUS_S,
        found=f"{ahead:+.3f} s",
        reason="Receipt is dated by Valkey's clock, expiries and windows by this machine's and PostgreSQL's.",
        remedy="Run chrony or another time service on every machine.",
        otherwise=State.FAIL if difference >= BROKEN_S else State.WARN,
    )
