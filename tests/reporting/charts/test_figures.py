"""Charts before they are drawn: specifications that Altair's schema accepts, and words that carry the same numbers."""

from __future__ import annotations

import importlib.resources
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

import jsonschema_rs
import msgspec
import pytest

from reporting.charts.burn_down import burn_down
from reporting.charts.calendar_heat_map import SYMBOLS, calendar_heat_map
from reporting.charts.incident_timeline import incident_timeline
from reporting.charts.latency import latency
from reporting.charts.palette import DARK, LIGHT
from reporting.charts.reasons import reasons
from reporting.charts.throughput import throughput
from reporting.charts.trend import trend
from tests.reporting.reports.hostile import big_month, hostile_month
from tests.reporting.reports.sample import empty_month, good_month, short_week
from tests.reporting.reports.troubles import bad_month

if TYPE_CHECKING:
    from collections.abc import Callable

    from reporting.charts.figure import Figure
    from reporting.charts.palette import Palette
    from reporting.reports.model import Report

REPORTS = [good_month, bad_month, short_week, empty_month, hostile_month, big_month]


def figures(report: Report, palette: Palette = LIGHT) -> list[Figure]:
    by_id = {incident.incident_id: (number, incident) for number, incident in enumerate(report.incidents, 1)}
    return [
        calendar_heat_map(report.days, palette=palette),
        throughput(report.days, palette=palette),
        reasons(report.reasons, palette=palette),
        latency(report.routes, palette=palette),
        incident_timeline(report.incidents, report.maintenance, period=report.period, palette=palette),
        *(burn_down(each, period=report.period, incidents=by_id, palette=palette) for each in report.burn_downs),
        *(trend(each, palette=palette) for each in report.promises),
    ]


@pytest.fixture(scope="module")
def vega_lite() -> jsonschema_rs.Validator:
    """Altair's schema of Vega-Lite, with names that are legal in references; Altair's own check takes a second a chart."""
    text = importlib.resources.files("altair.vegalite.v6.schema").joinpath("vega-lite-schema.json").read_text()
    references = re.compile(r'(?<="#/definitions/)(?:[^"\\]|\\.)+')
    legal = references.sub(lambda found: quote(json.loads(f'"{found[0]}"')), text)
    return jsonschema_rs.validator_for(msgspec.json.decode(legal))


@pytest.mark.parametrize("made", REPORTS)
@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_specification_is_one_that_altair_would_have_made(
    vega_lite: jsonschema_rs.Validator, made: Callable[[], Report], palette: Palette
) -> None:
    for figure in figures(made(), palette):
        vega_lite.validate(msgspec.json.decode(msgspec.json.encode(figure.spec)))


@pytest.mark.parametrize("made", REPORTS)
def test_every_figure_has_a_title_and_words(made: Callable[[], Report]) -> None:
    for figure in figures(made()):
        assert figure.title
        assert len(figure.alt) > 15
        assert figure.alt.endswith(".")


def test_the_words_of_a_figure_are_its_numbers() -> None:
    told = {figure.name: figure.alt for figure in figures(bad_month())}

    assert "25 days kept, 5 days missed, 1 day no data" in told["calendar"]
    assert "5 October (51,300 bad of 1,341,300, 96.17 % good)" in told["calendar"]
    assert "503 dependency-unavailable: 61,022, 70.2 %" in told["reasons"]
    assert "No data of 1 day." in told["throughput"]
    assert "99.76 %; target 99.9 %." in told["trend-availability"]
    assert "incident 1 on 5 Oct 08:41" in told["burn-down-availability"]
    assert "POST /pay: 182 ms, 431 ms, 890 ms" in told["latency"]


def test_without_data_nothing_is_drawn_green_and_the_words_say_so() -> None:
    month = empty_month()
    told = {figure.name: figure for figure in figures(month)}

    assert "31 days no data" in told["calendar"].alt
    assert {row["standing"] for row in told["calendar"].spec["data"]["values"]} == {"no data"}
    assert all(row["requests"] is None for row in told["throughput"].spec["data"]["values"])
    assert LIGHT.good not in str(told["trend-availability"].spec)
    assert "no data" in told["burn-down-availability"].alt


def test_how_a_day_came_out_is_a_symbol_as_well_as_a_colour() -> None:
    assert len(set(SYMBOLS.values())) == len(SYMBOLS)


def test_a_gap_in_a_budget_is_a_gap_in_its_line() -> None:
    line = burn_down(bad_month().burn_downs[1], period=bad_month().period, incidents={}).spec["layer"][-1]

    assert [row["left"] for row in line["data"]["values"]].count(None) == 1


def test_times_are_those_of_the_clocks_of_the_reports_zone() -> None:
    """1 October begins in Berlin at 22:00 UTC of 30 September."""
    figure = burn_down(bad_month().burn_downs[0], period=bad_month().period, incidents={})

    domain = figure.spec["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert domain == ["2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"]


def test_making_specifications_imports_no_library_of_charts() -> None:
    program = (
        "import sys, reporting.charts.burn_down, reporting.charts.calendar_heat_map, reporting.charts.latency;"
        "sys.exit(not {'altair', 'vl_convert', 'pandas', 'weasyprint'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
