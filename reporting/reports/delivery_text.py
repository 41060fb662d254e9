"""A report as a mail says it: in plain text, and as a page without pictures for where no better one was rendered."""

from __future__ import annotations

from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING

from reporting.reports.model import Standing
from reporting.slo.presentation import percent_down

if TYPE_CHECKING:
    from reporting.reports.model import Promise, Report

MOST_PROMISES = 8
_WORDS = {
    Standing.KEPT: "kept",
    Standing.MISSED: "missed",
    Standing.LOW_TRAFFIC: "too few requests to tell",
    Standing.NO_DATA: "no data",
}
_COLOURS = {Standing.KEPT: "#1a7f37", Standing.MISSED: "#b42318"}
_GREY = "#57606a"


def subject_of(report: Report) -> str:
    return f"{report.title}: {report.verdict.sentence}"


def text_of(report: Report) -> str:
    """Return what somebody reads whose program shows no HTML."""
    lines = [report.title, report.period.title, "", report.verdict.sentence, report.verdict.because]
    lines += [f"- {remark}" for remark in report.verdict.remarks]
    if report.promises:
        lines += ["", "Promises, worst first:"]
        lines += [f"- {promise.name}: {_standing(promise)}" for promise in report.promises[:MOST_PROMISES]]
        if len(report.promises) > MOST_PROMISES:
            lines.append(f"… and {len(report.promises) - MOST_PROMISES} more in the report.")
    until = (
        ""
        if report.period.complete
        else f" The period is not over: figures until {report.period.until:%Y-%m-%d %H:%M} UTC."
    )
    lines += ["", f"Times are in {report.period.timezone}.{until} Report {report.report_id}."]
    return "\n".join(line for line in lines) + "\n"


def page_of(report: Report) -> str:
    """Return the same as HTML whose style is in its elements, where mail programs leave it."""
    rows = "".join(
        f'<tr><td style="padding:4px 12px 4px 0">{escape(promise.name)}</td>'
        f'<td style="padding:4px 0;color:{_COLOURS.get(promise.standing, _GREY)}">{escape(_standing(promise))}</td></tr>'
        for promise in report.promises[:MOST_PROMISES]
    )
    remarks = "".join(f"<li>{escape(remark)}</li>" for remark in report.verdict.remarks)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>'
        f"{escape(report.title)}</title></head>"
        '<body style="margin:0;padding:24px;font:15px/1.5 sans-serif;color:#1f2328;background:#ffffff">'
        f'<h1 style="font-size:20px;margin:0">{escape(report.title)}</h1>'
        f'<p style="margin:0 0 16px;color:{_GREY}">{escape(report.period.title)}</p>'
        f'<p style="font-size:17px;margin:0 0 8px"><strong>{escape(report.verdict.sentence)}</strong></p>'
        f'<p style="margin:0 0 8px">{escape(report.verdict.because)}</p><ul style="margin:0 0 16px">{remarks}</ul>'
        f'<table style="border-collapse:collapse">{rows}</table>'
        f'<p style="color:{_GREY};margin-top:24px">Times are in {escape(report.period.timezone)}. '
        f"Report {escape(report.report_id)}.</p></body></html>"
    )


def _standing(promise: Promise) -> str:
    tally = promise.tally
    shown = percent_down(tally.sli, 3)
    if shown is None:
        return _WORDS[promise.standing]
    target = (promise.target * 100).normalize()
    return (
        f"{_WORDS[promise.standing]}, {shown:f} % of {tally.total:,} {promise.unit} "
        f"({tally.bad:,} bad) where {Decimal(target):f} % is promised"
    )
