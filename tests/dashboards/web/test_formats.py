from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboards.web import formats


@pytest.mark.parametrize(
    ("good", "total", "target", "text"),
    [
        (9_999_999, 10_000_000, 0.999, "99.99 %"),
        (10, 10, 0.999, "100.00 %"),
        (99_994, 100_000, 0.9999, "99.99 %"),
        (999_989, 1_000_000, 0.99999, "99.998 %"),
        (0, 0, 0.99, "\u2013"),
    ],
)
def test_a_ratio_is_rounded_down_to_the_decimals_of_its_target(good: int, total: int, target: float, text: str) -> None:
    assert formats.ratio(good, total, target).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "\u2013"), (0, "0"), (9_999, "9 999"), (41_234_567, "41.2 M"), (999_600, "1 M"), (54_321, "54.3 k")],
)
def test_big_numbers_have_three_figures(number: float | None, text: str) -> None:
    assert formats.short(number).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [(None, "\u2013"), (0, "0.00\u00d7"), (0.4, "0.40\u00d7"), (14.4, "14.4\u00d7"), (999.6, "1000\u00d7")],
)
def test_a_burn_rate_has_its_sign(rate: float | None, text: str) -> None:
    assert formats.burn(rate) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "\u2013"),
        (0, "0 s"),
        (75, "1 min 15 s"),
        (86_400 * 6 + 4 * 3_600, "6 d 4 h"),
        (86_400 * 20 + 3_600, "20 d"),
    ],
)
def test_a_span_is_told_in_its_greatest_units(seconds: float | None, text: str) -> None:
    assert formats.span(seconds).replace("\u202f", " ") == text


@pytest.mark.parametrize(("value", "text"), [(0.999, "99.9 %"), (0.8, "80 %"), (0.99995, "99.995 %"), (1.0, "100 %")])
def test_a_target_has_no_noughts_behind_it(value: float, text: str) -> None:
    assert formats.target_text(value).replace("\u202f", " ") == text


def test_times_are_shown_in_the_zone_of_the_installation() -> None:
    clock = formats.clock_of(ZoneInfo("Europe/Berlin"))

    assert ">22 Nov 18:10</time>" in clock(datetime(2026, 11, 22, 17, 10, tzinfo=UTC))
    assert clock(None) == "\u2013"


def test_ago_knows_the_future() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)

    assert formats.ago(now - timedelta(minutes=3), now).replace("\u202f", " ") == "3 min ago"
    assert formats.ago(now + timedelta(hours=2), now).replace("\u202f", " ") == "in 2 h"
