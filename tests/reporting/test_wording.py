"""Numbers and names as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from reporting.wording import (
    bad_percent,
    counted,
    date_and_time,
    day_and_time,
    legible,
    milliseconds,
    number,
    percent,
    points,
    share,
    short,
    span,
    target_percent,
)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (number(41_160_116), "41,160,116"),
        (number(Decimal("36904.9")), "36,904"),
        (number(None), "no data"),
        (percent(Decimal("0.99999999")), "99.99 %"),
        (percent(Decimal("0.99899"), target=Decimal("0.999")), "99.89 %"),
        (percent(Decimal("0.9999499"), target=Decimal("0.9999")), "99.99 %"),
        (percent(Decimal("0.99949"), target=Decimal("0.9995")), "99.94 %"),
        (percent(Decimal(1)), "100.00 %"),
        (percent(None), "no data"),
        (bad_percent(Decimal("0.00001")), "0.01 %"),
        (share(Decimal("0.7016")), "70.2 %"),
        (target_percent(Decimal("0.9990")), "99.9 %"),
        (target_percent(None), "none"),
        (points(Decimal("0.00144")), "+0.14"),
        (points(Decimal("-0.00001")), "\u22120.01"),
        (milliseconds(Decimal("0.44")), "0.4 ms"),
        (milliseconds(Decimal(468)), "468 ms"),
        (milliseconds(Decimal(1_910)), "1.91 s"),
        (milliseconds(Decimal(10_000)), "10 s"),
        (span(48), "48 s"),
        (span(140), "2 min 20 s"),
        (span(18 * 60 + 5), "18 min"),
        (span(5 * 3_600 + 40 * 60), "5 h 40 min"),
        (span(51 * 3_600), "2 d 3 h"),
        (span(None), "not yet"),
        (counted(1, "incident"), "1 incident"),
        (counted(0, "stretch", "stretches"), "0 stretches"),
    ],
)
def test_a_number_says_no_more_than_is_true(shown: str, words: str) -> None:
    assert shown == words


def test_a_name_is_one_line_of_bounded_length_without_what_is_not_text() -> None:
    assert short("  two\r\n  lines ") == "two lines"
    assert short("x" * 300, 10) == "x" * 9 + "\u2026"
    assert legible("a\x00b\u202ec\ud800d") == "a\ufffdb\ufffdc\ufffdd"


def test_times_are_those_of_a_places_clocks() -> None:
    at = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    assert day_and_time(at, "Europe/Berlin") == "25 Oct 02:30"
    assert date_and_time(at, "Europe/Berlin") == "25 Oct 2026 02:30 (UTC+02:00)"
    assert date_and_time(at, "Asia/Kathmandu") == "25 Oct 2026 06:15 (UTC+05:45)"
    assert date_and_time(at, "Asia/Kathmandu", from_utc=False) == "25 Oct 2026 06:15"
