"""What a report says in its own words: the policy, and the glossary."""

from __future__ import annotations

from dataclasses import dataclass

from reporting.reports.model import Decision, Standing


@dataclass(frozen=True, slots=True)
class Advice:
    """A decision in a word, what to do, and when it is taken."""

    word: str
    meaning: str
    rule: str


DECISIONS = {
    Decision.SHIP: Advice(
        "SHIP",
        "Release as usual.",
        "Every budget that can be judged has a quarter or more left, and none would end soon: release as usual.",
    ),
    Decision.CAREFUL: Advice(
        "CAREFUL",
        "Release in small steps.",
        "Less than a quarter of a budget is left, one incident took more than a fifth of one, or one would end soon: release in small steps, and watch what each does.",
    ),
    Decision.FREEZE: Advice(
        "FREEZE",
        "Only fixes go out.",
        "A budget is spent: only what makes the service more reliable goes out until it has recovered.",
    ),
    Decision.UNKNOWN: Advice(
        "UNKNOWN",
        "Nothing could be judged.",
        "No promise had enough data to be judged: find out why before anything relies on this report.",
    ),
}
BADGES = {
    Standing.KEPT: "✓ kept",
    Standing.MISSED: "✗ missed",
    Standing.LOW_TRAFFIC: "~ too few to tell",
    Standing.NO_DATA: "no data",
}
GLOSSARY = (
    ("Promise (SLO)", "What part of the requests, events or minutes shall be good, over which time."),
    ("Actual (SLI)", "Good ÷ all, of what was counted. It is rounded down: one bad request is never shown as 100 %."),
    ("Error budget", "What a promise allows to be bad: all of them times what the target leaves to 100 %."),
    ("Burn rate", "How fast the budget goes; at 1 it lasts exactly as long as the period."),
    ("P50, P95, P99", "So long, or less, took 50, 95 and 99 of 100 requests. Exact to 1 %."),
    ("429, 503", "Refused, because an account was over its limit (429), or to protect the others (503)."),
    ("Too few to tell", "Fewer than what a single bad request may decide; counts are shown, not percentages."),
    ("No data", "Nothing was measured. That is neither good nor bad, and is never counted as good."),
)
