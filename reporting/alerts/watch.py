"""Who watches the watcher: every API process looks whether alerts are evaluated, and one pages when they are not.

1. Every process asks Valkey every few seconds when alerts were last evaluated; PostgreSQL is not needed.
2. After two minutes one of them gets the turn, and tells whoever is paged, itself and at once: the queue may be as dead as
   the evaluator. Killed on the way, it loses the turn, and another tells the same by the same id.
3. When alerts are evaluated again, one tells that.
4. When Valkey itself is away for so long nothing can be evaluated either. One process of each machine says so, by an id that
   all machines share.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

import structlog

from app.core.errors import DependencyError
from app.core.keyspace import ALERTS_EVALUATED, EVALUATOR_PAGED, EVALUATOR_PAGING
from reporting.alerts.evaluator import lua

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.notify.notification import Notification
    from app.core.valkey import Valkey
    from reporting.alerts.machine_turn import MachineTurn

    Tell = Callable[[Notification], bool]
    """Tells whoever is paged, and returns whether anybody has heard."""

LOOK_EVERY_S = 10.0
DEAD_AFTER = timedelta(minutes=2)
TELLING = timedelta(seconds=60)
"""Longer than it takes to tell everybody, one after the other."""

CALM_S = 60.0
"""After its own start, and after Valkey was away, a process gives the workers so long to begin before it calls them dead."""

log = structlog.get_logger(__name__)


class News(IntEnum):
    """What there is to tell."""

    NOTHING = 0
    DEAD = 1
    BACK = 2


@dataclass(frozen=True, slots=True)
class Health:
    """How long ago alerts were evaluated; None while Valkey is away."""

    age: timedelta | None

    @property
    def is_dead(self) -> bool:
        return self.age is None or self.age >= DEAD_AFTER


class EvaluatorWatch:
    """`look` is called every `LOOK_EVERY_S` by one thread of each API process. It never raises for a dependency."""

    def __init__(
        self,
        valkey: Valkey,
        tell: Tell,
        compose: Callable[[News, str, datetime], Notification],
        *,
        name: str,
        machine: MachineTurn | None,
        heard: Callable[[Health], None],
        dead_after: timedelta = DEAD_AFTER,
        calm_s: float = CALM_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._valkey = valkey
        self._script = valkey.script(lua("watch"))
        self._tell = tell
        self._compose = compose
        self._name = name
        self._machine = machine
        self._heard = heard
        self._dead_after = dead_after
        self._monotonic = monotonic
        self._away_since: float | None = None
        self._may_be_noted = True  # By a process before this one, which did not see the end.
        self._calm_s = calm_s
        self._calm_until = monotonic() + calm_s

    def look(self) -> News:
        """Look, tell what is ours to tell, and return what that was."""
        keys = (ALERTS_EVALUATED, EVALUATOR_PAGED, EVALUATOR_PAGING)
        calm = self._away_since is not None or self._monotonic() < self._calm_until
        try:
            last, age, news = self._script(keys, (_ms(self._dead_after), 0 if calm else _ms(TELLING), self._name))
            self._heard(Health(timedelta(milliseconds=age)))
            self._valkey_is_back()
            return News.NOTHING if news == News.NOTHING else self._told(News(news), last)
        except DependencyError:
            return self._without_valkey()

    def _told(self, news: News, last_ms: int) -> News:
        last = datetime.fromtimestamp(last_ms / 1_000, UTC)
        name = self._name_of_outage(news, last_ms)
        if not self._tell(self._compose(news, name, last)):
            # The turn ends by itself, and whoever has it then tries again.
            log.error("evaluator_watch_told_nobody", news=news.name.lower())
            return News.NOTHING
        if news is News.DEAD:
            self._valkey.pipeline([("SET", EVALUATOR_PAGED, str(last_ms)), ("DEL", EVALUATOR_PAGING)])
        else:
            self._valkey.execute("DEL", EVALUATOR_PAGED, EVALUATOR_PAGING)
        return news

    def _name_of_outage(self, news: News, last_ms: int) -> str:
        if news is News.DEAD:
            return f"watch.{last_ms}"
        paged: bytes | None = self._valkey.execute("GET", EVALUATOR_PAGED)
        return f"watch.{(paged or b'0').decode()}.back"

    def _without_valkey(self) -> News:
        now = self._monotonic()
        self._may_be_noted = True
        self._away_since = now if self._away_since is None else self._away_since
        if now - self._away_since < self._dead_after.total_seconds():
            return News.NOTHING
        self._heard(Health(None))
        if self._machine is None:
            return News.NOTHING
        began = datetime.now(UTC) - timedelta(seconds=now - self._away_since)
        with self._machine.take() as turn:
            if turn is None or turn.is_noted:
                return News.NOTHING
            # Every machine finds out at about the same time, and a receiver that knows the hour's id hears it once.
            if not self._tell(self._compose(News.DEAD, f"watch.valkey.{began:%Y%m%d%H}", began)):
                return News.NOTHING
            turn.note()
        return News.DEAD

    def _valkey_is_back(self) -> None:
        if self._may_be_noted and self._machine is not None:
            with self._machine.take() as turn:
                if turn is not None:
                    turn.forget()
                    self._may_be_noted = False
        if self._away_since is not None:
            self._calm_until = self._monotonic() + self._calm_s
        self._away_since = None


def _ms(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
