"""What an SLO counts, as SQL over the tables that hold it, for Grafana to run.

Each branch gives `slo, at, good, total` by the minute, the quarter of an hour or the day, of `[since, until)` in the
statement's `span`, which says where each of them is kept. A branch of an SLO that is not chosen costs nothing: PostgreSQL sees that its condition is false before it starts.
Texts from definitions are written so that neither PostgreSQL nor Grafana's variables can take them for anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.counting.rules import Rule
from app.core.telemetry.dead_processes import DIED_REASON, DIED_STATUS
from app.domain.filters import Source
from app.domain.predicates import Compared, Equal, OneOf, StatusClass
from reporting.evaluation.measure import measure_of
from reporting.evaluation.request_filter import take_of
from reporting.slo.objective import BudgetingMethod
from reporting.slo.windows import RollingWindow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.domain.filters import Filter
    from app.domain.predicates import Predicate
    from reporting.definitions.definition import Definition
    from reporting.evaluation.measure import Measure
    from reporting.evaluation.request_filter import Take

_TAKEN = "status = {status} AND reason = {reason}"
_IN_TIME_S = 60


def refusal(definition: Definition) -> str | None:
    """Say why an SLO is not in the dashboards for PostgreSQL; None when it is."""
    if definition.objective.method is not BudgetingMethod.OCCURRENCES:
        return f"its budgeting method is {definition.objective.method}; Grafana's queries count occurrences"
    if not isinstance(definition.window, RollingWindow):
        return "its window is of the calendar; Grafana's queries have windows that roll"
    return None


def promises(definitions: Iterable[Definition]) -> str:
    """Return rows of `slo, service, target, length` of definitions; none of them is refused."""
    rows = [
        f"({literal(each.name)}, {literal(each.service)}, {each.objective.target:f}, "
        f"interval '{int(each.window.nominal_length.total_seconds())} seconds')"
        for each in definitions
    ]
    return _rows(rows) if rows else _NO_PROMISES


def counts(definitions: Iterable[Definition]) -> str:
    """Return the branches of definitions, none of which is refused, as one query."""
    branches = [_branch(definition) for definition in definitions]
    return _UNION.join(branches) + "\n" if branches else _NO_COUNTS


def literal(text: str) -> str:
    r"""Write a text of SQL. A dollar, a quote and what is beyond ASCII become `\0024`, so that `$service` stays itself."""
    if all(letter.isascii() and letter.isprintable() and letter not in "'\\$" for letter in text):
        return f"'{text}'"
    written = (letter if letter.isascii() and letter.isalnum() else f"\\+{ord(letter):06x}" for letter in text)
    return f"U&'{''.join(written)}'"


def _branch(definition: Definition) -> str:
    measure = measure_of(definition.indicator)
    match measure.source:
        case Source.REQUESTS:
            return _requests(definition.name, measure)
        case Source.EVENTS:
            return _events(definition.name, measure)
        case Source.INGESTION:
            return _ingestion(definition.name, measure)


def _chosen(name: str) -> str:
    return f"{literal(name)} IN (${{slo:sqlstring}})"


def _requests(name: str, measure: Measure) -> str:
    total = _take(take_of(measure.total, measured=measure.measures_duration))
    part = f"CASE WHEN {_where(measure.part)} THEN {_take(take_of(measure.part, measured=measure.measures_duration))} ELSE 0 END"
    good = part if measure.part_is_good else f"{total} - {part}"
    return _UNION.join(
        _OF_REQUESTS.format(
            name=literal(name),
            at=at,
            good=good,
            total=total,
            table=table,
            joined=joined,
            chosen=_chosen(name),
            where=_where(measure.total),
        )
        for table, at, joined in _requests_tables(measure)
    )


def _requests_tables(measure: Measure) -> list[tuple[str, str, str]]:
    prefix = "account_" if measure.total.names("account_id") else ""
    return [
        (f"{prefix}request_minutes", "minute", _MINUTES.format(at="minute")),
        (f"{prefix}request_rollups", "bucket", f"width = 15 AND {_QUARTERS.format(at='bucket')}"),
        (f"{prefix}request_rollups", "bucket", f"width = 1440 AND {_DAYS.format(at='bucket')}"),
    ]


def _events(name: str, measure: Measure) -> str:
    rule_id = Rule(measure.total, measure.part, measure.part_is_good).rule_id
    return _UNION.join(
        _OF_EVENTS.format(name=literal(name), joined=joined, chosen=_chosen(name), rule_id=rule_id)
        for joined in (
            f"width = 1 AND {_MINUTES.format(at='bucket')}",
            f"width = 15 AND {_QUARTERS.format(at='bucket')}",
            f"width = 1440 AND {_DAYS.format(at='bucket')}",
        )
    )


def _ingestion(name: str, measure: Measure) -> str:
    """Minute by minute the larger of what was accepted and what became of it, once it has had its time."""
    delay = next(
        (
            int(each.limit)
            for field, each in measure.part.conditions
            if field == "delay_s" and isinstance(each, Compared)
        ),
        _IN_TIME_S,
    )
    part = f"coalesce(sum(events) FILTER (WHERE NOT accepted AND {_where(measure.part)}), 0)"
    total = (
        f"coalesce(sum(events) FILTER (WHERE NOT accepted AND {_where(measure.total)}), 0)"
        if measure.total.conditions
        else _LARGER.format(delay=delay)
    )
    good = part if measure.part_is_good else f"{total} - {part}"
    return _INGESTION.format(name=literal(name), chosen=_chosen(name), good=good, total=total)


def _take(take: Take) -> str:
    """Return how many requests of a row count."""
    if not take.measured:
        return "requests"
    endless = f"CASE WHEN {_TAKEN.format(status=DIED_STATUS, reason=literal(DIED_REASON))} THEN requests - {_measured('')} ELSE 0 END"
    if take.cut is None:
        return f"({_measured('')} + {endless})"
    if take.below:
        return _measured(f" WHERE bucket < {take.cut}")
    return f"({_measured(f' WHERE bucket >= {take.cut}')} + {endless})"


def _measured(where: str) -> str:
    return _OF_DURATIONS.format(where=where)


def _where(chosen: Filter) -> str:
    """Return the conditions on everything but the duration, which is inside of a row."""
    conditions = [_condition(field, asked) for field, asked in chosen.conditions if field != "duration_ms"]
    return " AND ".join(conditions) if conditions else "true"


def _condition(field: str, asked: Predicate) -> str:
    match asked:
        case OneOf(members):
            return "(" + " OR ".join(_condition(field, member) for member in members) + ")"
        case StatusClass():
            return f"{field} BETWEEN {asked.lowest} AND {asked.highest}"
        case Compared(comparison, limit):
            # What has no delay (-1) is on no side of a limit.
            known = f"{field} >= 0 AND " if field == "delay_s" else ""
            return f"({known}{field} {comparison} {limit:f})"
        case Equal(value):
            return f"{field} = {literal(value) if isinstance(value, str) else value}"


def _rows(rows: list[str]) -> str:
    values = ",\n       ".join(rows)
    return _PROMISES.format(values=values)


_UNION = "\nUNION ALL\n"
_PROMISES = "SELECT * FROM (VALUES\n       {values}\n) AS promised (slo, service, target, length)\n"
_OF_REQUESTS = """SELECT {name}::text AS slo, {at} AS at, {good} AS good, {total} AS total
  FROM span
  JOIN {table} ON {joined}
 WHERE {chosen} AND {where}"""
_OF_EVENTS = """SELECT {name}::text AS slo, bucket AS at, good, total
  FROM span
  JOIN rule_counts ON {joined}
 WHERE {chosen} AND rule_id = '{rule_id}'"""
_OF_DURATIONS = "(SELECT coalesce(sum(times), 0) FROM unnest(buckets, counts) AS h (bucket, times){where})"
_MINUTES = "{at} >= since AND {at} < until AND ({at} < first OR {at} >= last)"
_QUARTERS = "{at} >= first AND {at} < last"
_DAYS = "{at} >= since AND {at} < days"
_NO_PROMISES = "SELECT ''::text AS slo, ''::text AS service, 0.0 AS target, interval '0' AS length WHERE false\n"
_NO_COUNTS = "SELECT ''::text AS slo, now() AS at, 0::bigint AS good, 0::bigint AS total WHERE false\n"
_LARGER = """greatest(
         coalesce(sum(events) FILTER (WHERE NOT accepted), 0),
         coalesce(sum(events) FILTER (WHERE accepted AND minute < date_trunc('minute', now() - interval '{delay} seconds')), 0))"""
_INGESTION = """SELECT {name}::text AS slo, minute AS at, {good} AS good,
       {total} AS total
  FROM (
    SELECT minute, true AS accepted, NULL::text AS outcome, NULL::integer AS delay_s, events
      FROM span
      JOIN accepted_minutes ON minute >= since AND minute < until
    UNION ALL
    SELECT minute, false, outcome, delay_s, events
      FROM span
      JOIN outcome_minutes ON minute >= since AND minute < until
  ) AS each
 WHERE {chosen}
 GROUP BY minute"""
