"""A crowd's clock and its connections, in one thread: each request goes out when it is due, and what came of it is written down."""

from __future__ import annotations

import heapq
import itertools
import select
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.cli.chaos.crowd.traffic import ACCEPTED, Ask, Bodies
from app.cli.chaos.crowd.wire import Wire
from app.client import Answer

if TYPE_CHECKING:
    from app.cli.chaos.crowd.traffic import Plan, Sender

ANSWER_TIMEOUT_S = 30.0
WITHOUT_A_WORD_S = 1.0
"""What a client waits that was cut off, or was not told when to return."""
LONGEST_IDLE_S = 5.0
"""A connection that was kept for longer may be closed by the server at any moment: a client opens another then."""
NO_ANSWER = Answer(0, {}, b"")
_LOOK_EVERY_S = 0.5


class Desk:
    """A sender's requests, each given away once."""

    def __init__(self, sender: Sender, plan: Plan) -> None:
        self.sender = sender
        self._bodies = Bodies(sender, seed=f"{plan.seed} {sender.account_id} {sender.client}")
        numbers = itertools.takewhile(lambda number: sender.due_s(number) < plan.seconds, itertools.count())
        self._numbers = itertools.islice(numbers, sender.total)
        lines = (
            "POST /events HTTP/1.1",
            f"Host: {urlsplit(plan.base_url).netloc}",
            f"Authorization: Bearer {sender.key}",
            "Content-Type: application/json",
            f"Content-Length: {len(self._bodies.of(0))}",
        )
        self._head = "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"

    def take(self) -> int | None:
        """Return the number of the next request, if there is one."""
        return next(self._numbers, None)

    def request(self, number: int) -> bytes:
        """Return a request as it goes over the wire."""
        return self._head + self._bodies.of(number)


class Channel:
    """A connection of a desk, and the request that is its turn."""

    __slots__ = ("ask", "desk", "quiet_since_s", "request", "wire")

    def __init__(self, desk: Desk, wire: Wire) -> None:
        self.desk = desk
        self.wire = wire
        self.ask = Ask.due(desk.sender, 0, 0, 0.0)
        self.request = b""
        self.quiet_since_s = 0.0


class Stage:
    """All channels of a plan. `run` returns once the last answer is there."""

    def __init__(self, plan: Plan) -> None:
        self.asks: list[Ask] = []
        self._plan = plan
        self._poller = select.epoll()
        address = urlsplit(plan.base_url)
        target = (address.hostname or "", address.port or 80)
        desks = [Desk(sender, plan) for sender in plan.senders]
        self._channels = [
            Channel(desk, Wire(target, self._poller)) for desk in desks for _ in range(desk.sender.connections)
        ]
        self._busy: dict[int, Channel] = {}
        self._due: list[tuple[float, int, Channel]] = []
        self._order = itertools.count()
        self._at = 0.0

    def run(self) -> list[Ask]:
        """Send everything that is due, from now on; returns what came of each request."""
        self._at = time.perf_counter()
        for channel in self._channels:
            self._next(channel)
        next_look_s = 0.0
        while self._due or self._busy:
            now_s = self._now_s()
            while self._due and self._due[0][0] <= now_s:
                self._send(heapq.heappop(self._due)[2])
            if now_s >= next_look_s:
                self._give_up(now_s)
                next_look_s = now_s + _LOOK_EVERY_S
            wait_s = min([_LOOK_EVERY_S, *(due_s - self._now_s() for due_s, _, _ in self._due[:1])])
            for descriptor, _ in self._poller.poll(max(wait_s, 0.0)):
                if descriptor in self._busy:
                    self._work(descriptor, self._busy[descriptor])
        self._poller.close()
        return self.asks

    def _now_s(self) -> float:
        return time.perf_counter() - self._at

    def _next(self, channel: Channel) -> None:
        """Give a channel the next request of its desk, or close it."""
        number = channel.desk.take() if self._now_s() < self._plan.seconds else None
        if number is None:
            channel.wire.close()
            return
        sender = channel.desk.sender
        channel.request = channel.desk.request(number)
        self._later(channel, Ask.due(sender, number, 0, sender.due_s(number)))

    def _later(self, channel: Channel, ask: Ask) -> None:
        channel.ask = ask
        heapq.heappush(self._due, (ask.due_s, next(self._order), channel))

    def _send(self, channel: Channel) -> None:
        now_s = self._now_s()
        if now_s - channel.quiet_since_s > LONGEST_IDLE_S:
            channel.wire.close()
        channel.ask = replace(channel.ask, sent_s=now_s)
        try:
            channel.wire.ask(channel.request)
        except OSError:
            self._answered(channel, NO_ANSWER)
            return
        self._busy[channel.wire.fileno] = channel

    def _work(self, descriptor: int, channel: Channel) -> None:
        try:
            answer = channel.wire.work()
        except OSError:
            answer = NO_ANSWER
        if answer is not None:
            del self._busy[descriptor]
            self._answered(channel, answer)

    def _answered(self, channel: Channel, answer: Answer) -> None:
        """Write down an answer; a client that returns asks again when it was told to."""
        if not answer.status:
            channel.wire.close()
        now_s = channel.quiet_since_s = self._now_s()
        ask = replace(
            channel.ask,
            took_s=now_s - channel.ask.sent_s,
            status=answer.status,
            problem=answer.problem or "",
            batch_id=str(answer.json()["batch_id"]) if answer.status == ACCEPTED else "",
            retry_after_s=answer.retry_after_s,
        )
        self.asks.append(ask)
        sender = channel.desk.sender
        if ask.accepted or not sender.returns or now_s > self._plan.seconds + self._plan.patience_s:
            self._next(channel)
        else:
            due_s = now_s + (ask.retry_after_s or WITHOUT_A_WORD_S)
            self._later(channel, Ask.due(sender, ask.number, ask.attempt + 1, due_s))

    def _give_up(self, now_s: float) -> None:
        """Cut who has waited for too long for an answer."""
        for descriptor, channel in list(self._busy.items()):
            if now_s - channel.ask.sent_s > ANSWER_TIMEOUT_S:
                del self._busy[descriptor]
                self._answered(channel, NO_ANSWER)
