"""A report as a mail says it to programs that show no HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.reports.model import Standing
from reporting.slo.presentation import decimals_for, percent_down

if TYPE_CHECKING:
    from reporting.reports.model import Promise, Report

MOST_PROMISES = 8
_WORDS = {
    Standing.KEPT: "kept",
    Standing.MISSED: "missed",
    Standing.LOW_TRAFFIC: "too few requests to tell",
    Standing.NO_DATA: "no data",
}


def subject_of(report: Report) -> str:
    """Return the period, whose report it is, and how many promises were kept."""
    kept, judged = report.verdict.kept, report.verdict.judged
    return f"{report.title}, {f'{kept} of {judged} promises kept' if judged else 'nothing to judge'}"


def text_of(report: Report, address: str) -> str:
    """Return the verdict, the worst promises and where the report has its page, as plain text."""
    lines = [report.title, "", report.verdict.sentence, report.verdict.because]
    lines += [f"- {remark}" for remark in report.verdict.remarks]
    if report.promises:
        lines += ["", "Promises, worst first:"]
        lines += [f"- {promise.name}: {_standing(promise)}" for promise in report.promises[:MOST_PROMISES]]
        if len(report.promises) > MOST_PROMISES:
            lines.append(f"… and {len(report.promises) - MOST_PROMISES} more in the report.")
    lines += ["", f"On the web: {address}", ""]
    if not report.period.complete:
        lines.append(f"The period is not over: these are its figures until {report.period.until:%Y-%m-%d %H:%M} UTC.")
    lines.append(f"Its days are those of {report.period.timezone}. Report {report.report_id}.")
    return "\n".join(lines) + "\n"


def _standing(promise: Promise) -> str:
    tally, word = promise.tally, _WORDS[promise.standing]
    shown = percent_down(tally.sli, decimals_for(promise.target))
    if shown is None:
        return word
    target = (promise.target * 100).normalize()
    counts = f"{tally.total:,} {promise.unit}, {tally.bad:,} of them bad"
    return f"{word}, {shown:f} % where {target:f} % is promised ({counts})"
