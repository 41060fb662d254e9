"""A request's way past the limits, from before its body is looked at until it is admitted or refused.

1. What is certain to be refused is refused before its body is decoded.
2. While a circuit is half open, a request takes the probe before its body is decoded, or is refused.
3. When its body is there, it waits for a place to be decoded, or is refused because too many do.
4. The admission script decides all the rest.
5. What came of it is remembered, and reported to the circuit when it was bad.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from app.core.errors import DependencyError
from app.core.problems import Problem, ProblemType
from app.domain.shards import Lane
from ingestion.admission.admission import NO_TICKET, Ticket
from ingestion.admission.callers import Callers
from ingestion.admission.circuits import NO_PROBE
from ingestion.admission.comebacks import Comebacks
from ingestion.admission.line import Line, LineTooLongError
from ingestion.admission.verdict import Refusal, circuit_open, overloaded
from ingestion.limits.circuit_breaker import State

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.keys import PresentedKey
    from ingestion.admission.admission import Admission
    from ingestion.admission.callers import Caller
    from ingestion.admission.circuits import Circuits, Seen
    from ingestion.admission.line import Place
    from ingestion.admission.overload import Overload
    from ingestion.admission.standing import Standing
    from ingestion.admission.verdict import Receipt
    from ingestion.events.model import DecodedBatch

BAD = frozenset(
    {
        ProblemType.MALFORMED_JSON,
        ProblemType.MALFORMED_REQUEST,
        ProblemType.FORBIDDEN,
        ProblemType.REQUEST_TIMEOUT,
        ProblemType.CONTENT_TOO_LARGE,
        ProblemType.UNSUPPORTED_MEDIA_TYPE,
        ProblemType.INVALID_EVENTS,
    }
)
"""What counts as a bad outcome before the script: the client's own mistakes in the batch. A key without the scope is none."""

log = structlog.get_logger(__name__)


def _caller(key: PresentedKey) -> str:
    """Name a caller: whoever has a valid key of his own, and presents its secret with another account, is not known by it."""
    return f"{key.account_id}.{key.digest_hex}"


class Gate:
    """Thread-safe; one a process. `processes` is how many like it share the load."""

    def __init__(self, admission: Admission, circuits: Circuits, overload: Overload, *, processes: int) -> None:
        self._admission = admission
        self._circuits = circuits
        self._overload = overload
        self._callers = Callers()
        self._line = Line()
        self._comebacks = Comebacks(processes=processes)

    def knows(self, key: PresentedKey) -> bool:
        """Tell whether the key was found valid here a while ago."""
        return self._callers.find(_caller(key)) is not None

    def enter(self, key: PresentedKey, now: datetime) -> Ticket:
        """Return what the request needs to be admitted; raises `Refusal` when looking at its body is in vain."""
        caller = self._callers.find(_caller(key))
        refused_lanes = self._overload.refused_lanes()
        if caller is None:
            # Only the script knows his lane.
            return Ticket(refused_lanes=",".join(refused_lanes)) if refused_lanes else NO_TICKET
        refusal = self._callers.refusal_of(caller, now)
        if refusal is not None:
            raise refusal
        if caller.lane in refused_lanes or not self._line.open_to(Lane(caller.lane)):
            raise self._overloaded(key, caller, now)
        if not caller.suspect:
            return NO_TICKET
        seen = self._circuits.enter(key.account_id, now)
        if seen is None:
            return NO_TICKET
        if seen.wait_ms:
            raise self._open(key, seen, now)
        if seen.state is State.CLOSED:
            self._callers.passed(_caller(key), seen.standing, events=caller.events)
        return Ticket(seen.token)

    def place(self, key: PresentedKey, now: datetime, ticket: Ticket) -> Place:
        """Return a place in which a request is decoded and admitted; raises `Refusal` when the line for it is too long."""
        caller = self._callers.find(_caller(key))
        try:
            # Of somebody who comes for the first time only the script knows the lane.
            return self._line.place(Lane.NORMAL if caller is None else Lane(caller.lane))
        except LineTooLongError:
            self._release(key, now, ticket)
            raise self._overloaded(key, caller, now) from None

    def admit(
        self, key: PresentedKey, batch: DecodedBatch, *, idempotency_key: str | None, now: datetime, ticket: Ticket
    ) -> Receipt:
        """Admit a batch; raises as `Admission.admit` does."""
        try:
            receipt = self._admission.admit(key, batch, idempotency_key=idempotency_key, now=now, ticket=ticket)
        except Refusal as refusal:
            self._refused(key, refusal, now, ticket)
            self._give_turn(key, refusal, batch.count, now)
            raise
        except Problem:
            self._callers.forget(_caller(key))
            self._release(key, now, ticket)
            raise
        if ticket.token == NO_PROBE:
            self._callers.passed(_caller(key), receipt.standing, events=batch.count)
        return receipt

    def spoiled(self, key: PresentedKey, problem: Problem, now: datetime, ticket: Ticket) -> Standing | None:
        """Count what was wrong with a batch before it came to the script, of a caller who has been authenticated.

        Never raises: the client is told of his mistake in any case. Returns what is left to him, if that is known.
        """
        try:
            if problem.type not in BAD:
                self._release(key, now, ticket)
                return None
            seen = self._circuits.bad(key.account_id, now, cause=problem.type.slug, token=ticket.token)
        except DependencyError as error:
            log.warning("bad_outcome_not_counted", account_id=key.account_id, detail=error.detail)
            return None
        if seen is None:
            return None
        if seen.state is State.OPEN:
            self._open(key, seen, now)
        elif seen.state is State.HALF_OPEN:
            self._callers.suspected(_caller(key), seen.standing)
        return seen.standing

    def _refused(self, key: PresentedKey, refusal: Refusal, now: datetime, ticket: Ticket) -> None:
        """Remember a refusal. A probe that was refused has proved nothing, unless its batch was bad."""
        suspect = refusal.type is ProblemType.CIRCUIT_OPEN or ticket.token != NO_PROBE
        self._callers.refused(_caller(key), refusal, now, suspect=suspect)
        if refusal.type is ProblemType.INVALID_EVENTS:
            self.spoiled(key, refusal, now, ticket)
        else:
            self._release(key, now, ticket)

    def _open(self, key: PresentedKey, seen: Seen, now: datetime) -> Refusal:
        refusal = circuit_open(seen.standing, wait_ms=seen.wait_ms)
        self._callers.refused(_caller(key), refusal, now, suspect=True)
        return refusal

    def _release(self, key: PresentedKey, now: datetime, ticket: Ticket) -> None:
        if ticket.token != NO_PROBE:
            self._circuits.release(key.account_id, now, ticket.token)

    def _overloaded(self, key: PresentedKey, caller: Caller | None, now: datetime) -> Refusal:
        """Return the refusal of somebody whose body was not looked at: his last batch says how large this one may be."""
        refusal = overloaded(None if caller is None else caller.standing)
        self._give_turn(key, refusal, 1 if caller is None else caller.events, now)
        return refusal

    def _give_turn(self, key: PresentedKey, refusal: Refusal, events: int, now: datetime) -> None:
        """Send away those who are refused together so that they come back one after another."""
        if refusal.type is ProblemType.RATE_LIMIT_EXCEEDED:
            self._comebacks.after_rate(key.account_id, refusal, events=events, now=now)
        elif refusal.type is ProblemType.OVERLOADED:
            served_per_s = self._line.served_per_s
            self._comebacks.after_overload(key.account_id, refusal, events=events, served_per_s=served_per_s, now=now)
