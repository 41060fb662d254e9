"""Unit tests of the exported rules, for `promtool test rules`: what fires at which error ratio, and what does not.

Each SLO gets made-up metrics of steady traffic, for as long as its longest window, with error ratios just below and just
above the limit of each alert.
"""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dashboards.prometheus.alerting import (
    ABSENT_ALERT,
    BURN_ALERT,
    DEAD_MANS_SWITCH,
    NO_DATA_ALERT,
    PLAIN_ALERT,
    alerting_rules,
    burn_annotations,
    burn_labels,
    plain_annotations,
    policy_labels,
)
from dashboards.prometheus.recording import recording_rules
from dashboards.prometheus.samples import error_ratio, example, increases
from dashboards.prometheus.selectors import labels
from reporting.definitions.durations import write_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dashboards.prometheus.promises import Promise
    from reporting.definitions.definition import Indicator

_A_SCRAPE = timedelta(minutes=2)
_EVALUATED = timedelta(hours=6)
"""Rarely, because each evaluation walks through days of samples; what counts is the last one."""
_CLOSE = Fraction(1, 50)
"""How close to a limit the error ratios are, on both of its sides."""
_EVENTS = 100
"""A scrape; Prometheus counts parts of them as well."""


def unit_tests(promises: Sequence[Promise], rule_files: Sequence[str]) -> dict[str, Any]:
    """Return the content of a file for `promtool test rules`, which stands beside the rules."""
    return {
        "rule_files": list(rule_files),
        "evaluation_interval": write_duration(_EVALUATED),
        # What is recorded comes first; groups that are not named come at any time.
        "group_eval_order": [
            group["name"]
            for rules in (recording_rules(promises), alerting_rules(promises))
            for group in rules["groups"]
        ],
        "tests": [_nothing_scraped(), *(test for promise in promises for test in _tests(promise))],
    }


def _tests(promise: Promise) -> Iterator[dict[str, Any]]:
    definition = promise.definition
    own = [burn.limit for burn in promise.burns] + [plain.limit for plain in promise.plain if not plain.is_slow]
    for ratio in _ratios(own):
        yield _test(promise, definition.indicator, ratio, f"{definition.name} at {float(ratio):.4%} of errors")
    for plain in promise.plain:
        if plain.is_slow:
            for ratio in _ratios([plain.limit]):
                name = f"{definition.name}, {plain.policy.name} at {float(ratio):.4%} of slow requests"
                yield _test(promise, plain.indicator, ratio, name)
    if promise.silences:
        yield _silent(promise)


def _ratios(texts: Iterable[str]) -> list[Fraction]:
    """Return error ratios just below and just above each limit, and nothing and all."""
    limits = sorted({Fraction(text) for text in texts})
    ratios = {Fraction(0), Fraction(1)}
    for below, limit, above in zip([Fraction(0), *limits], limits, [*limits[1:], Fraction(1)], strict=False):
        ratios |= {max(limit * (1 - _CLOSE), (below + limit) / 2), min(limit * (1 + _CLOSE), (limit + above) / 2)}
    return sorted(ratios)


def _test(promise: Promise, indicator: Indicator, ratio: Fraction, name: str) -> dict[str, Any]:
    """Return a test of what fires while an indicator has an error ratio; what others see of it their filters say."""
    mixed = [(example(indicator, is_good=True), 1 - ratio), (example(indicator, is_good=False), ratio)]
    burned = error_ratio(promise.definition.indicator, mixed)
    burns = [burn for burn in promise.burns if burned is not None and burned > Fraction(burn.limit)]
    plain = [
        each
        for each in promise.plain
        if (found := error_ratio(each.indicator, mixed)) is not None and found > Fraction(each.limit)
    ]
    waits = [*(burn.hold for burn in promise.burns), *(each.hold for each in promise.plain), timedelta(0)]
    windows = [*(burn.alert.long_window for burn in promise.burns), *(each.alert.window for each in promise.plain)]
    until = max(windows, default=_EVALUATED) + max(waits) + 2 * _EVALUATED
    return {
        "name": name,
        "interval": write_duration(_A_SCRAPE),
        "input_series": [
            {"series": series, "values": f"0+{by:g}x{until // _A_SCRAPE}"}
            for series, by in increases(indicator, good=_EVENTS * float(1 - ratio), bad=_EVENTS * float(ratio)).items()
        ],
        "alert_rule_test": [
            {
                "eval_time": write_duration(until),
                "alertname": BURN_ALERT,
                "exp_alerts": [
                    {"exp_labels": burn_labels(promise, burn), "exp_annotations": burn_annotations(promise, burn)}
                    for burn in burns
                ],
            },
            {
                "eval_time": write_duration(until),
                "alertname": PLAIN_ALERT,
                "exp_alerts": [
                    {"exp_labels": policy_labels(promise, each), "exp_annotations": plain_annotations(promise, each)}
                    for each in plain
                ],
            },
        ],
        "promql_expr_test": _told_of_silence(promise, until, silent=False),
    }


def _silent(promise: Promise) -> dict[str, Any]:
    """Return a test of what fires while everything is scraped and nothing counts."""
    until = max(silence.alert.window + silence.hold for silence in promise.silences) + 2 * _EVALUATED
    still = increases(promise.definition.indicator, good=_EVENTS, bad=_EVENTS)
    return {
        "name": f"{promise.definition.name} is silent",
        "interval": write_duration(_A_SCRAPE),
        "input_series": [{"series": series, "values": f"{_EVENTS}+0x{until // _A_SCRAPE}"} for series in still],
        "promql_expr_test": _told_of_silence(promise, until, silent=True),
    }


def _told_of_silence(promise: Promise, until: timedelta, *, silent: bool) -> list[dict[str, Any]]:
    """Look at the alerts of this SLO alone, at the last evaluation: in its tests all others are silent."""
    if not promise.silences:
        return []
    firing = labels({"alertname": NO_DATA_ALERT, "alertstate": "firing", **promise.labels})
    told = [labels(policy_labels(promise, silence)) for silence in promise.silences] if silent else []
    return [
        {
            "expr": f"sum without (alertname, alertstate) (ALERTS{firing})",
            "eval_time": write_duration(until - until % _EVALUATED),
            "exp_samples": [{"labels": own, "value": 1} for own in told],
        }
    ]


def _nothing_scraped() -> dict[str, Any]:
    """Without metrics no budget burns, the silence is told, and the dead-man's switch goes on."""
    return {
        "name": "nothing is scraped",
        "interval": write_duration(_A_SCRAPE),
        "input_series": [],
        "alert_rule_test": [
            {
                "eval_time": write_duration(2 * _EVALUATED),
                "alertname": rule["alert"],
                "exp_alerts": [{"exp_labels": rule["labels"], "exp_annotations": rule["annotations"]}],
            }
            for rule in _watchdogs()
        ],
    }


def _watchdogs() -> Iterator[dict[str, Any]]:
    for group in alerting_rules(())["groups"]:
        yield from (rule for rule in group["rules"] if rule["alert"] in {ABSENT_ALERT, DEAD_MANS_SWITCH})
