"""A month in which much went wrong."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reporting.reports.model import (
    Completeness,
    Decision,
    Overview,
    Reason,
    Scope,
    Standing,
    TargetChange,
    Verdict,
)
from tests.reporting.reports.incidents import incident, upgrade
from tests.reporting.reports.parts import OCTOBER, burn_down, dates, day, definition, promise, tally
from tests.reporting.reports.sample import accounts, falling, good_month

if TYPE_CHECKING:
    from reporting.reports.model import (
        Promise,
        Report,
    )


def bad_month() -> Report:
    """Fourteen promises, five missed, four incidents of which one is open, a target that changed."""
    seeded = random.Random(7)
    promises = bad_promises(seeded)
    began = datetime(2026, 10, 5, 6, 41, tzinfo=UTC)
    open_one = replace(
        incident("inc-29", "Payments go through burns fast", began + timedelta(days=24, hours=9), 900, bad=6_120, known=False),
        resolved_at=None, seconds_to_resolve=None,
    )  # fmt: skip
    incidents = (
        incident("inc-05", "Checkout answers burns fast", began, 96, bad=51_300),
        incident("inc-13", "Checkout is quick burns steadily", began + timedelta(days=8), 340, bad=12_204, severity="ticket", known=False),
        incident("inc-21", "Search answers burns fast", began + timedelta(days=16, hours=4), 21, bad=12_190),
        open_one,
    )  # fmt: skip
    hurt = {5: 51_300, 13: 9_204, 21: 12_190, 29: 3_120, 30: 3_000}
    days = tuple(
        day(
            of, tally(1_290_000 - (410_000 if of.weekday() > 4 else 0), hurt.get(of.day, 300)) if of.day != 17 else tally(0, 0),
            Standing.NO_DATA if of.day == 17 else Standing.MISSED if of.day in hurt else Standing.KEPT,
            limited=seeded.randrange(20_000), p99=None if of.day == 17 else str(600 + hurt.get(of.day, 0) // 40),
            incidents=int(of.day in hurt), maintenance=45 if of.day == 20 else 0,
        )
        for of in dates(OCTOBER)
    )  # fmt: skip
    good = good_month()
    return replace(
        good,
        report_id="rm-2026-10-all-c0ffee11",
        scope=Scope(),
        title="October 2026: all services",
        verdict=Verdict(
            sentence="October: 9 of 14 promises kept. 99.76 % of 36,904,118 requests were good; 87,034 were not, 236 % of what we allow ourselves.",
            decision=Decision.FREEZE,
            because="Checkout answers has overspent its error budget: 87,034 requests were bad, 36,904 were allowed.",
            kept=9,
            judged=14,
            remarks=(
                "Biggest win: Search is quick came from 98.90 % to 99.41 %.",
                "Biggest loss: the incident of 5 October took 139 % of the budget of Checkout answers.",
                "Next risk: at this rate the budget of Payments go through ends on 24 November.",
            ),
        ),
        overview=Overview(
            requests=tally(36_817_084, 87_034), previous=tally(38_597_018, 16_138), limited=214_118, p50_ms=Decimal(66),
            p95_ms=Decimal(298), p99_ms=Decimal(1_910), previous_p99_ms=Decimal(491), budget_remaining_ratio=Decimal("-1.3584"),
            incidents=4, incident_minutes=1_357, previous_incidents=2, previous_incident_minutes=71,
        ),
        promises=promises,
        burn_downs=(
            burn_down(promises[0], OCTOBER, [*["1", "0.97", "0.95", "0.92", "0.9", "-0.45"], *falling(seeded, 26, 0)[:0], *[f"{-0.45 - 0.035 * step:.4f}" for step in range(26)]], "inc-05", "inc-13"),
            burn_down(promises[1], OCTOBER, [*falling(seeded, 16, 0.4), None, *[f"{0.4 - 0.05 * step:.4f}" for step in range(15)]], "inc-13"),
            burn_down(promises[2], OCTOBER, falling(seeded, 32, -0.04), "inc-29"),
        ),
        days=days,
        reasons=(
            Reason(status=503, reason="dependency-unavailable", sentence="A dependency could not be reached", bad=61_022, share=Decimal("0.702")),
            Reason(status=504, reason="timeout", sentence="The deadline passed", bad=14_706, share=Decimal("0.169")),
            Reason(status=500, reason="error", sentence="An error of the service itself", bad=9_912, share=Decimal("0.114")),
            Reason(status=502, reason="bad-gateway", sentence="The upstream's answer was not understood", bad=1_294, share=Decimal("0.014")),
            Reason(status=599, reason="process-died", sentence="A process died while it answered", bad=100, share=Decimal("0.001")),
        ),
        incidents=incidents,
        maintenance=(upgrade(), replace(upgrade(), service=None, reason="Network works of the data centre, announced by the provider on 2 October", excluded=tally(0, 0))),
        completeness=Completeness(accepted=27_004_118, stored=26_998_002, duplicates=6_001, dead=112, in_flight=3, balanced=True, late=1_904, gap_minutes=1_440),
        accounts=accounts(50),
        other_accounts=replace(accounts(1)[0], account_id="others", name="450 other accounts", requests=1_204_000),
        definitions=tuple(definition(each) for each in promises),
        target_changes=(
            TargetChange(slo="search-latency", at=datetime(2026, 10, 12, 9, 0, tzinfo=UTC), before=Decimal("0.995"), after=Decimal("0.99"), by="grace"),
            TargetChange(slo="login-availability", at=datetime(2026, 10, 19, 9, 0, tzinfo=UTC), before=None, after=Decimal("0.999"), by="ada"),
        ),
    )  # fmt: skip


def bad_promises(seeded: random.Random) -> tuple[Promise, ...]:
    """Five that were missed, then nine that were kept, worst first."""
    missed = (
        promise("availability", "Checkout answers", "0.999", tally(36_817_084, 87_034), previous=tally(38_597_018, 16_138),
                sentence="99.9 % of requests are answered without a server error",
                slis=["0.99952", "0.99948", "0.99961", "0.99957", "0.99958", "0.99764"], percentiles=("66", "298", "1910")),
        promise("checkout-latency", "Checkout is quick", "0.99", tally(36_300_118, 604_000), previous=tally(38_311_880, 301_276),
                sentence="99 % of requests are answered within 500 ms",
                slis=["0.9921", "0.9918", "0.9922", None, "0.99219", "0.98363"], percentiles=("66", "298", "1910")),
        promise("payment-success", "Payments go through", "0.9995", tally(6_204_118, 3_230), previous=tally(5_998_004, 1_009),
                sentence="99.95 % of POST /pay are answered without a server error", owner="Payments core",
                slis=["0.9998", "0.9998", None, "0.99981", "0.99983", "0.99947"], restated=True),
        promise("search-minutes", "Search answers", "0.999", tally(44_640, 60), previous=tally(43_190, 10), unit="minutes",
                sentence="In 99.9 % of minutes, 95 % of searches are answered", service="search", owner="Search",
                slis=["0.9998", "0.9997", "0.9999", "0.9998", "0.99976", "0.99865"]),
        promise("refund-success", "Refunds go through", "0.99", tally(402, 9), previous=tally(380, 2),
                sentence="99 % of POST /refund are answered without a server error", slis=["1", "0.9947", "1", "1", "0.9947", "0.978"]),
    )  # fmt: skip
    kept = tuple(
        promise(
            slo, name, "0.99", tally(1_000_000 * (number + 2), seeded.randrange(2_000, 9_000) * (number + 2)), service=slo.split("-")[0],
            previous=tally(1_000_000, 8_000), sentence=f"99 % of requests {'are answered within 800 ms' if 'quick' in name else 'are answered without a server error'}",
            owner=name.split()[0], slis=[f"{0.992 + seeded.random() * 0.005:.5f}" for _ in range(6)],
            target_changed=slo == "search-latency",
        )
        for number, (slo, name) in enumerate((
            ("search-latency", "Search is quick"), ("login-availability", "Login answers"), ("login-latency", "Login is quick"),
            ("catalogue-availability", "Catalogue answers"), ("catalogue-latency", "Catalogue is quick"), ("mail-availability", "Order mails leave"),
            ("invoices-availability", "Invoices can be read"), ("images-latency", "Images are quick"), ("stock-availability", "Stock answers"),
        ))
    )  # fmt: skip
    return (*missed, *sorted(kept, key=lambda each: each.remaining_ratio or Decimal(1)))
