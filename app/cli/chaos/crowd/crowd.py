"""A process that sends by the clock and not by the answers, on a core of its own: `with Crowd(plan) as crowd: crowd.go()`."""

from __future__ import annotations

import itertools
import multiprocessing
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from app.cli.chaos.crowd.cores import pin
from app.cli.chaos.crowd.traffic import ACCEPTED, Ask, Bodies
from app.client import Answer, CutError, Link

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from app.cli.chaos.crowd.traffic import Plan, Sender

START_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 30.0
WITHOUT_A_WORD_S = 1.0
"""What a client waits that was cut off, or was not told when to return."""
LONGEST_IDLE_S = 5.0
"""A connection that was kept for longer may be closed by the server at any moment: a client opens another then."""
NO_ANSWER = Answer(0, {}, b"")


class Crowd:
    """Senders that start together; a context manager."""

    def __init__(self, plan: Plan) -> None:
        context = multiprocessing.get_context("spawn")
        self._plan = plan
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(plan, theirs), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self._receive(START_TIMEOUT_S)
        return self

    def __exit__(self, *_error: object) -> None:
        self._pipe.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def go(self) -> None:
        """Start the clock."""
        self._pipe.send(None)

    def asks(self) -> list[Ask]:
        """Return all that was asked, once the last answer is there."""
        asks: list[Ask] = self._receive(self._plan.seconds + self._plan.patience_s + 2 * ANSWER_TIMEOUT_S)
        return asks

    def _receive(self, timeout_s: float) -> Any:
        if not self._pipe.poll(timeout_s):
            raise TimeoutError("The process that sends the load does not answer.")
        return self._pipe.recv()


def _run(plan: Plan, pipe: Connection) -> None:
    pin(plan.cores)
    stage = _Stage(plan)
    threads = []
    for sender in plan.senders:
        desk = _Desk(sender, plan)
        threads += [threading.Thread(target=stage.send, args=(desk,), daemon=True) for _ in range(sender.connections)]
    for thread in threads:
        thread.start()
    pipe.send("ready")
    pipe.recv()
    stage.start()
    for thread in threads:
        thread.join()
    pipe.send(stage.asks)


class _Desk:
    """A sender's requests, each given away once."""

    def __init__(self, sender: Sender, plan: Plan) -> None:
        self.sender = sender
        self.bodies = Bodies(sender, seed=f"{plan.seed} {sender.account_id} {sender.client}")
        numbers = itertools.takewhile(lambda number: sender.due_s(number) < plan.seconds, itertools.count())
        self._numbers = itertools.islice(numbers, sender.total)
        self._lock = threading.Lock()

    def take(self) -> int | None:
        with self._lock:
            return next(self._numbers, None)


@dataclass(slots=True)
class _Stage:
    """What all threads share: the plan, the clock, and the record."""

    plan: Plan
    asks: list[Ask] = field(default_factory=list)
    _started: threading.Event = field(default_factory=threading.Event)
    _at: float = 0.0

    def start(self) -> None:
        self._at = time.perf_counter()
        self._started.set()

    def now_s(self) -> float:
        return time.perf_counter() - self._at

    def send(self, desk: _Desk) -> None:
        """Send what is at a desk, each request when it is due, over one connection."""
        self._started.wait()
        with Link(self.plan.base_url, key=desk.sender.key, timeout_s=ANSWER_TIMEOUT_S) as link:
            while self.now_s() < self.plan.seconds and (number := desk.take()) is not None:
                due_s, body = desk.sender.due_s(number), desk.bodies.of(number)
                for attempt in itertools.count():
                    ask = self._ask(link, body, Ask.due(desk.sender, number, attempt, due_s))
                    if ask.accepted or not desk.sender.returns or self.now_s() > self._latest_s:
                        break
                    due_s = self.now_s() + (ask.retry_after_s or WITHOUT_A_WORD_S)

    @property
    def _latest_s(self) -> float:
        return self.plan.seconds + self.plan.patience_s

    def _ask(self, link: Link, body: bytes, ask: Ask) -> Ask:
        """Send a request when it is due, and write down what came of it."""
        if (early_s := ask.due_s - self.now_s()) > 0:
            if early_s > LONGEST_IDLE_S:
                link.close()
            time.sleep(early_s)
        sent_s = self.now_s()
        try:
            answer = link.post("/events", body)
        except CutError:
            answer = NO_ANSWER
        answered = replace(
            ask,
            sent_s=sent_s,
            took_s=self.now_s() - sent_s,
            status=answer.status,
            problem=answer.problem or "",
            batch_id=str(answer.json()["batch_id"]) if answer.status == ACCEPTED else "",
            retry_after_s=answer.retry_after_s,
        )
        self.asks.append(answered)
        return answered
