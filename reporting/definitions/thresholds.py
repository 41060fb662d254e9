"""The extension for alerts on plain figures, which OpenSLO cannot express: an annotation of an AlertPolicy.

    slipstream/threshold: error_rate > 5%
    slipstream/threshold: availability < target
    slipstream/threshold: p99 > 500ms

A figure (`error_rate`, `availability`, `p50`, `p95`, `p99`), a comparison and a value. `target` is the SLO's own: its target
for `availability`, the duration that it promises for a percentile. Window, `alertAfter` and severity are those of the policy's
condition, whose burn rate is for tools that do not know this.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from app.domain.filters import Filter, FilterError, Source, parse
from app.domain.predicates import Compared
from reporting.slo.threshold_alert import Figure, ThresholdAlert

if TYPE_CHECKING:
    from datetime import timedelta

    from reporting.definitions.definition import Indicator
    from reporting.slo.burn_rate_alert import AlertSeverity

ANNOTATION = "slipstream/threshold"
TARGET = "target"
_WRITTEN = re.compile(r"(\w+)\s*(<=|>=|<|>)\s*(target|(\d+(?:\.\d+)?)\s*(%|ms|s))")
_MS = {"ms": Decimal(1), "s": Decimal(1_000)}
_EXAMPLE = "write error_rate > 5%, availability < target or p99 > 500ms"
_DURATION = "duration_ms"


class ThresholdError(ValueError):
    """An annotation that is no threshold, or none for this SLO; `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A threshold as it is written, for any SLO. `value` is a ratio or milliseconds, None that of the SLO itself."""

    figure: Figure
    severity: AlertSeverity
    window: timedelta
    hold: timedelta
    value: Decimal | None
    inclusive: bool
    text: str

    def for_indicator(self, indicator: Indicator) -> ThresholdAlert:
        """Return the alert for an SLO. Raises `ThresholdError` when the SLO has nothing to compare."""
        share, ratio, slower_than_ms = self.figure.slower, None, None
        if share is not None:
            slower_than_ms = self._duration_ms(indicator)
            ratio = share
        elif self.value is not None:
            ratio = Fraction(self.value) if self.figure is Figure.ERROR_RATE else 1 - Fraction(self.value)
        return ThresholdAlert(
            figure=self.figure,
            severity=self.severity,
            window=self.window,
            error_ratio=ratio,
            text=self.text,
            slower_than_ms=slower_than_ms,
            hold=self.hold,
            # A percentile at its limit is a matter of the duration, and not of the share.
            inclusive=self.inclusive and share is None,
        )

    def _duration_ms(self, indicator: Indicator) -> Decimal:
        if indicator.source is not Source.REQUESTS or indicator.total.names(_DURATION):
            raise ThresholdError("no_durations", f"{self.text}: the SLO does not count requests of any duration")
        if self.value is not None:
            return self.value
        promised = dict((indicator.good or indicator.bad or indicator.total).conditions).get(_DURATION)
        if not isinstance(promised, Compared):
            message = f"{self.text}: the SLO promises no duration; write one, like {self.figure} > 500ms"
            raise ThresholdError("no_target", message)
        return promised.limit


def parse_threshold(text: str, *, severity: AlertSeverity, window: timedelta, hold: timedelta) -> Threshold:
    """Read the annotation. Raises `ThresholdError`."""
    found = _WRITTEN.fullmatch(text.strip())
    names = [figure.value for figure in Figure]
    if not found or found[1] not in names:
        raise ThresholdError("threshold", f"{text!r} is no threshold of {', '.join(names)}; {_EXAMPLE}")
    figure, comparison = Figure(found[1]), found[2]
    upwards = figure is not Figure.AVAILABILITY
    if comparison.startswith("<") is upwards:
        better = ">" if upwards else "<"
        message = f"{text}: would alert while all is well and be silent while nothing is; write {figure} {better}"
        raise ThresholdError("inverted_op", message)
    return Threshold(
        figure=figure,
        severity=severity,
        window=window,
        hold=hold,
        value=None if found[3] == TARGET else _value(figure, Decimal(found[4]), found[5], text),
        inclusive=comparison.endswith("="),
        text=" ".join([figure, comparison, found[3].replace(" ", "")]),
    )


def slow_part(total: Filter, slower_than_ms: Decimal) -> Filter:
    """Return the requests of a total that take so long or longer."""
    slow = parse(Source.REQUESTS, {_DURATION: f">={slower_than_ms:f}"})
    return Filter(total.source, tuple(sorted((*total.conditions, *slow.conditions), key=lambda each: each[0])))


def _value(figure: Figure, amount: Decimal, unit: str, text: str) -> Decimal:
    if figure.slower is None:
        ratio = amount.scaleb(-2)
        if unit != "%" or not 0 < ratio < 1:
            raise ThresholdError("threshold", f"{text}: {figure} is compared with per cent, more than 0 and below 100")
        return ratio
    if unit not in _MS:
        raise ThresholdError("threshold", f"{text}: {figure} is compared with a duration, like 500ms")
    duration = amount * _MS[unit]
    try:
        parse(Source.REQUESTS, {_DURATION: f">={duration:f}"})
    except FilterError as error:
        raise ThresholdError(error.problems[0].code, f"{text}: {error.problems[0].message}") from error
    return duration
