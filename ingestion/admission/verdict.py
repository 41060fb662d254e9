"""What the admission script answered, as a receipt or as a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.core.problems import FieldError, Problem, ProblemType
from ingestion.admission.standing import DAILY, EVENTS, MONTHLY, read_standing
from ingestion.limits.quota import Period

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ingestion.admission.standing import Standing

MOST_TYPES = 1_000
"""Event types that an account may use in a UTC day (contract §2): every rollup has a row for each."""
SCOPE = "events:write"
CIRCUIT = "circuit"
"""What refused, as the problem's `limit` names it."""
_OVERLOADED_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a 202 says, and what is left to the account. `replayed` means that an earlier request was the one admitted."""

    batch_id: str
    accepted: int
    standing: Standing
    replayed: bool = False

    @property
    def tier(self) -> str:
        return self.standing.tier


@dataclass(slots=True)
class Refusal(Problem):
    """A batch of an account that we know, refused. `known_for_s`: for so long every batch of its would be refused."""

    standing: Standing | None = None
    known_for_s: float = 0.0

    @property
    def tier(self) -> str:
        return "" if self.standing is None else self.standing.tier


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer of the script that is neither `absent` nor `unauthorized`; the two values belong to the status."""

    status: str
    first: Any
    second: Any
    standing: Standing


def read_verdict(reply: Sequence[Any]) -> Verdict:
    """Read the script's answer."""
    status, first, second, *standing = reply
    return Verdict(status.decode(), first, second, read_standing(standing))


def receipt_of(verdict: Verdict, *, events: int, new_types: frozenset[str]) -> Receipt:
    """Return the receipt of an admitted batch; raises `Refusal` for any other."""
    standing = verdict.standing
    match verdict.status:
        case "admitted" | "replayed":
            return Receipt(verdict.first.decode(), verdict.second, standing, replayed=verdict.status == "replayed")
        case "new":
            return Receipt("", 0, standing)
        case "forbidden":
            detail = f"The key lacks the scope {SCOPE}."
            raise Refusal(ProblemType.FORBIDDEN, detail, standing=standing)
        case "mismatch":
            raise mismatch(standing)
        case "circuit":
            raise circuit_open(standing, wait_ms=verdict.first)
        case "rate":
            raise _rate(standing, events=events, wait_ms=verdict.first)
        case "day" | "month":
            raise _quota(standing, Period(verdict.status), events=events)
        case "shed" | "full":
            raise overloaded(standing)
        case "types":
            raise _too_many_types(standing, verdict.first, new_types)
        case _:
            raise LookupError(f"the admission script answered {verdict.status!r}")


def unauthorized() -> Problem:
    """Return the refusal of somebody whom we do not know; it says nothing of the account that he named."""
    return Problem(ProblemType.UNAUTHORIZED, "The key is not valid: it is unknown, expired or revoked.")


def mismatch(standing: Standing) -> Refusal:
    """Return the refusal of another body under the same Idempotency-Key."""
    detail = "This Idempotency-Key came with another body in the last 24 hours."
    errors = (FieldError("came with another body before", "Idempotency-Key"),)
    return Refusal(ProblemType.IDEMPOTENCY_MISMATCH, detail, errors, standing=standing)


def overloaded(standing: Standing | None) -> Refusal:
    """Return the refusal of a batch for which there is no room at the moment."""
    detail = "More events wait than the platform can take in; accounts of lower tiers wait first."
    wait_s = _OVERLOADED_WAIT_S
    return Refusal(ProblemType.OVERLOADED, detail, retry_after=wait_s, limit="queue", standing=standing)


def circuit_open(standing: Standing, *, wait_ms: int) -> Refusal:
    """Return the refusal of an account too many of whose requests were bad."""
    detail = "Too many of this account's requests were malformed or invalid, or their events could not be stored."
    seconds = wait_ms / 1_000
    return Refusal(
        ProblemType.CIRCUIT_OPEN,
        detail,
        retry_after=seconds,
        limit=CIRCUIT,
        resets_at=_later(standing, wait_ms),
        standing=standing,
        known_for_s=seconds,
    )


def _rate(standing: Standing, *, events: int, wait_ms: int) -> Refusal:
    if events > standing.burst:
        detail = f"A batch of {events} events can never pass: at most {standing.burst} may come at once. Send smaller batches."
        wait_ms = standing.full_in_ms
    else:
        detail = f"{events} events are more than the {standing.left} that are left; {standing.per_minute} a minute are allowed."
    return Refusal(
        ProblemType.RATE_LIMIT_EXCEEDED,
        detail,
        retry_after=wait_ms / 1_000,
        limit=EVENTS,
        resets_at=_later(standing, wait_ms),
        standing=standing,
    )


def _quota(standing: Standing, period: Period, *, events: int) -> Refusal:
    limit, used = (
        (standing.daily, standing.day_used) if period is Period.DAY else (standing.monthly, standing.month_used)
    )
    left = max((limit or 0) - used, 0)
    resets_at = standing.resets_at(period)
    seconds = (resets_at - standing.at).total_seconds()
    return Refusal(
        ProblemType.QUOTA_EXCEEDED,
        f"{events} events are more than the {left} that are left of {limit} for this {period} (UTC).",
        retry_after=seconds,
        limit=DAILY if period is Period.DAY else MONTHLY,
        resets_at=_text(resets_at),
        standing=standing,
        known_for_s=0.0 if left else seconds,
    )


def _later(standing: Standing, wait_ms: int) -> str:
    return _text(standing.at + timedelta(milliseconds=wait_ms))


def _text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def _too_many_types(standing: Standing, used: int, new_types: frozenset[str]) -> Refusal:
    detail = f"With this batch the account would have used {used} event types today; {MOST_TYPES} are allowed."
    errors = tuple(FieldError(f"{name} was not used today.", "type") for name in sorted(new_types))
    return Refusal(ProblemType.INVALID_EVENTS, detail, errors, limit="event_types_per_day", standing=standing)
