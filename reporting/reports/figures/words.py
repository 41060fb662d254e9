"""What is counted, in words: a sentence for every filter and promise, from the definition itself."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from app.domain.filters import Source
from app.domain.predicates import Compared, Comparison, OneOf
from reporting.slo.objective import BudgetingMethod
from reporting.wording import target_percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from app.domain.filters import Filter
    from app.domain.predicates import Predicate
    from reporting.definitions.definition import Indicator
    from reporting.slo.objective import Objective

_COMPARED = {
    Comparison.BELOW: "below {}",
    Comparison.AT_MOST: "at most {}",
    Comparison.AT_LEAST: "{} or more",
    Comparison.ABOVE: "above {}",
}
_IN_TIME = {
    Comparison.BELOW: "in under {}",
    Comparison.AT_MOST: "in at most {}",
    Comparison.AT_LEAST: "in {} or more",
    Comparison.ABOVE: "in more than {}",
}
_WITHIN = {
    Comparison.BELOW: "in under {}",
    Comparison.AT_MOST: "within {}",
    Comparison.AT_LEAST: "after {} or more",
    Comparison.ABOVE: "after more than {}",
}
_THINGS = {Source.REQUESTS: "requests", Source.EVENTS: "events", Source.INGESTION: "accepted events"}
_OUTCOMES = {"stored": "stored", "duplicate": "known already", "dead": "dead"}


def total_words(indicator: Indicator) -> str:
    """Return what is counted, `requests of checkout POST /pay`."""
    return " ".join([*_subject(indicator.total), *_qualities(indicator.total.source, dict(indicator.total.conditions))])


def good_words(indicator: Indicator) -> str:
    """Return which of them are good, `requests of checkout POST /pay answered below 500 in under 300 ms`."""
    part, negated = _part(indicator)
    own = {
        field: predicate for field, predicate in part.conditions if (field, predicate) not in indicator.total.conditions
    }
    words = _qualities(part.source, own)
    said = f"{'not ' if negated else ''}{' '.join(words)}" if words else "of any kind" if not negated else "of no kind"
    comma = "," if _qualities(part.source, dict(indicator.total.conditions)) else ""
    return f"{total_words(indicator)}{comma} {said}"


def promise_words(indicator: Indicator, objective: Objective) -> str:
    """Return what is promised, `99.9 % of requests of checkout are answered below 500`."""
    part, negated = _part(indicator)
    own = {
        field: predicate for field, predicate in part.conditions if (field, predicate) not in indicator.total.conditions
    }
    words = " ".join(_qualities(part.source, own)) or "counted"
    verb = "are not" if negated else "are"
    counted = f"of {total_words(indicator)} {verb} {words}"
    target = target_percent(objective.target)
    slices = "minutes" if objective.slice_minutes == 1 else f"slices of {objective.slice_minutes} minutes"
    if objective.method is BudgetingMethod.TIMESLICES:
        return f"in {target} of {slices}, {target_percent(objective.slice_target or Decimal(1))} {counted}"
    if objective.method is BudgetingMethod.RATIO_TIMESLICES:
        return f"{target} {counted}, on average over {slices}"
    return f"{target} {counted}"


def _part(indicator: Indicator) -> tuple[Filter, bool]:
    if indicator.good is not None:
        return indicator.good, False
    return indicator.bad or indicator.total, True


def _subject(counted: Filter) -> list[str]:
    conditions = dict(counted.conditions)
    words = [_THINGS[counted.source]]
    if "type" in conditions:
        words.append(f"of type {_value(conditions['type'])}")
    if "service" in conditions:
        words.append(f"of {_value(conditions['service'])}")
    place = [_value(conditions[field]) for field in ("method", "route") if field in conditions]
    if place:
        words.append(" ".join(place) if "service" in conditions else "of " + " ".join(place))
    for field, name in (("account_id", "account"), ("tier", "tier")):
        if field in conditions:
            words.append(f"of {name} {_value(conditions[field])}")
    return words


def _qualities(source: Source, conditions: Mapping[str, Predicate]) -> list[str]:
    """Return what is asked of the things besides whose they are."""
    words: list[str] = []
    if source is Source.REQUESTS:
        answered = [_answered(conditions[field], field) for field in ("status", "duration_ms") if field in conditions]
        if answered:
            words.append("answered " + " ".join(answered))
        if "reason" in conditions:
            words.append(f"with the reason {_value(conditions['reason'])}")
    elif source is Source.INGESTION:
        if "outcome" in conditions:
            words.append(_outcomes(conditions["outcome"]))
        if "delay_s" in conditions:
            words.append("stored " + _compared(conditions["delay_s"], _WITHIN, "s"))
    else:
        fields = [(field, predicate) for field, predicate in conditions.items() if field.startswith("payload.")]
        said = [f"{field.removeprefix('payload.')} {_compared(predicate, _COMPARED)}" for field, predicate in fields]
        if said:
            words.append("with " + " and ".join(said))
    return words


def _answered(predicate: Predicate, field: str) -> str:
    return _compared(predicate, _COMPARED) if field == "status" else _compared(predicate, _IN_TIME, "ms")


def _compared(predicate: Predicate, forms: Mapping[Comparison, str], unit: str = "") -> str:
    if isinstance(predicate, Compared):
        limit = f"{predicate.limit.normalize():,f}" + (f" {unit}" if unit else "")
        return forms[predicate.comparison].format(limit)
    return _value(predicate)


def _outcomes(predicate: Predicate) -> str:
    members: Iterable[object] = predicate.members if isinstance(predicate, OneOf) else (predicate,)
    return " or ".join(_OUTCOMES.get(str(member), str(member)) for member in members)


def _value(predicate: Predicate) -> str:
    return " or ".join(map(str, predicate.members)) if isinstance(predicate, OneOf) else str(predicate)
