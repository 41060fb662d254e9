"""Reports made by hand, for those who turn reports into pages, files and mail."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from reporting.reports.model import (
    Account,
    Completeness,
    Decision,
    Overview,
    Reason,
    Report,
    Scope,
    Standing,
    TierVolume,
    Verdict,
)
from tests.reporting.reports.incidents import short_incident, upgrade
from tests.reporting.reports.parts import (
    OCTOBER,
    WEEK_43,
    burn_down,
    dates,
    day,
    definition,
    promise,
    route,
    tally,
)

if TYPE_CHECKING:
    from reporting.reports.model import (
        Period,
        Promise,
    )

GENERATED = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
GOOD_SLIS: list[str | None] = ["0.99952", "0.99948", "0.99961", "0.99957", "0.99958", "0.99962"]


def good_promises(period: Period) -> tuple[Promise, ...]:
    return (
        promise(
            "checkout-latency", "Checkout is quick", "0.99", tally(40_898_112, 262_004), previous=tally(38_311_880, 301_276),
            period=period, sentence="99 % of requests are answered within 500 ms",
            slis=["0.9921", "0.9918", "0.9922", "0.9920", "0.99219", "0.99363"], percentiles=("61", "213", "468"),
        ),
        promise(
            "availability", "Checkout answers", "0.999", tally(41_144_476, 15_640), previous=tally(38_597_018, 16_138),
            period=period, sentence="99.9 % of requests are answered without a server error", slis=GOOD_SLIS,
            percentiles=("61", "213", "468"), with_maintenance=tally(41_152_001, 22_310),
        ),
        promise(
            "payment-success", "Payments go through", "0.9995", tally(6_204_118, 1_102), previous=tally(5_998_004, 1_009),
            period=period, sentence="99.95 % of POST /pay are answered without a server error", owner="Payments core",
            slis=["0.9998", "0.9998", None, "0.99981", "0.99983", "0.99982"],
        ),
        promise(
            "refund-success", "Refunds go through", "0.99", tally(402, 0), previous=tally(380, 2), period=period,
            sentence="99 % of POST /refund are answered without a server error", standing=Standing.LOW_TRAFFIC,
            slis=["1", "0.9947", "1", "1", "0.9947", "1"],
        ),
    )  # fmt: skip


def good_month() -> Report:
    """Everything is kept, with a short incident and the usual noise."""
    seeded = random.Random(1)
    promises = good_promises(OCTOBER)
    days = tuple(
        day(
            of, tally(1_200_000 + 20_000 * seeded.randrange(-9, 9) - (400_000 if of.weekday() > 4 else 0), bad),
            Standing.KEPT, limited=seeded.randrange(900), p99=str(420 + seeded.randrange(90)),
            incidents=int(of.day == 13), maintenance=45 if of.day == 20 else 0,
        )
        for of in dates(OCTOBER)
        for bad in [seeded.randrange(200, 620)]
    )  # fmt: skip
    return Report(
        report_id="rm-2026-10-checkout-7f3a91c2",
        scope=Scope(service="checkout"),
        period=OCTOBER,
        generated_at=GENERATED,
        title="October 2026: checkout",
        verdict=Verdict(
            sentence="October: 4 of 4 promises kept. 99.96 % of 41,160,116 requests were good; 15,640 were not, 38 % of what we allow ourselves.",
            decision=Decision.SHIP,
            because="Every promise has more than a quarter of its error budget left (least: Checkout is quick, 36 %).",
            kept=4,
            judged=4,
            remarks=(
                "Biggest win: Checkout is quick came from 99.21 % to 99.36 %, 39,272 fewer slow requests.",
                "Biggest loss: the incident of 13 October hurt 1,204 requests of 88 accounts.",
                "Next risk: none of the promises will run out of budget before the end of November at this month's rate.",
            ),
        ),
        overview=Overview(
            requests=tally(41_144_476, 15_640),
            previous=tally(38_597_018, 16_138),
            limited=14_204,
            p50_ms=Decimal(61),
            p95_ms=Decimal(213),
            p99_ms=Decimal(468),
            previous_p99_ms=Decimal(491),
            budget_remaining_ratio=Decimal("0.3635"),
            incidents=1,
            incident_minutes=18,
            previous_incidents=2,
            previous_incident_minutes=71,
        ),
        promises=promises,
        burn_downs=(
            burn_down(promises[0], OCTOBER, falling(seeded, 32, 0.36)),
            burn_down(promises[1], OCTOBER, falling(seeded, 32, 0.62), "inc-13"),
            burn_down(promises[2], OCTOBER, falling(seeded, 32, 0.64)),
        ),
        routes=(
            route("GET", "/cart", tally(24_080_118, 4_120), ("44", "138", "301"), 9_802),
            route("POST", "/cart/items", tally(7_904_661, 6_012), ("71", "240", "512")),
            route("POST", "/pay", tally(6_204_118, 1_102), ("182", "431", "890"), 4_402),
            route("GET", "/orders/{id}", tally(2_955_177, 4_406), ("52", "190", "402")),
            route("POST", "/refund", tally(402, 0), ("210", "480", "1020")),
        ),
        days=days,
        reasons=(
            Reason(status=503, reason="dependency-unavailable", sentence="A dependency could not be reached", bad=8_022, share=Decimal("0.513")),
            Reason(status=504, reason="timeout", sentence="The deadline passed", bad=4_706, share=Decimal("0.301")),
            Reason(status=500, reason="error", sentence="An error of the service itself", bad=2_912, share=Decimal("0.186")),
        ),
        incidents=(short_incident(),),
        maintenance=(upgrade(),),
        completeness=None,
        accounts=accounts(12),
        other_accounts=None,
        tiers=(
            TierVolume(tier="enterprise", requests=tally(29_904_001, 8_022), limited=0),
            TierVolume(tier="standard", requests=tally(9_004_118, 6_112), limited=2_004),
            TierVolume(tier="free", requests=tally(2_236_357, 1_506), limited=12_200),
        ),
        definitions=tuple(definition(each) for each in promises),
        target_changes=(),
    )  # fmt: skip


def short_week() -> Report:
    """A week that is not over, with one promise and few requests."""
    period = WEEK_43
    of = promise(
        "availability", "Website answers", "0.995", tally(611, 4), previous=tally(4_102, 9), period=period,
        service="website", sentence="99.5 % of requests are answered without a server error",
        slis=["0.9971", "0.9969", None, "0.9980", "0.9978", "0.99349"], standing=Standing.LOW_TRAFFIC,
    )  # fmt: skip
    counted = (tally(171, 0), tally(180, 3), tally(160, 1), tally(100, 0))
    days = tuple(
        day(of_day, counted[number] if number < len(counted) else tally(0, 0),
            Standing.LOW_TRAFFIC if number < len(counted) else Standing.NO_DATA)
        for number, of_day in enumerate(dates(period))
    )  # fmt: skip
    return Report(
        report_id="rw-2026-W43-website-11aa22bb",
        scope=Scope(service="website"),
        period=period,
        generated_at=datetime(2026, 10, 22, 9, 30, 12, tzinfo=UTC),
        title="19\u201325 October 2026: website",
        verdict=Verdict(
            sentence="So far this week there was too little traffic to judge the one promise: 4 of 615 requests were not good.",
            decision=Decision.UNKNOWN,
            because="No promise could be judged.",
            kept=0,
            judged=0,
            remarks=(),
        ),
        overview=Overview(
            requests=tally(611, 4), previous=tally(4_102, 9), limited=0, p50_ms=None, p95_ms=None, p99_ms=None,
            previous_p99_ms=None, budget_remaining_ratio=Decimal("-0.3008"), incidents=0, incident_minutes=0,
            previous_incidents=0, previous_incident_minutes=0,
        ),
        promises=(of,),
        burn_downs=(burn_down(of, period, ["1", "0.7", "0.2", "-0.1", *([None] * 4)]),),
        routes=(route("GET", "/", tally(611, 4), None),),
        days=days,
        reasons=(Reason(status=500, reason="error", sentence="An error of the service itself", bad=4, share=Decimal(1)),),
        incidents=(),
        maintenance=(),
        completeness=None,
        accounts=(),
        other_accounts=None,
        tiers=(),
        definitions=(definition(of),),
        target_changes=(),
    )  # fmt: skip


def empty_month() -> Report:
    """Nothing was measured: nothing may look good."""
    promises = (
        promise("availability", "Website answers", "0.999", tally(0, 0), service="website"),
        promise("latency", "Website is quick", "0.99", tally(0, 0), service="website"),
    )
    return Report(
        report_id="rm-2026-10-all-00000000",
        scope=Scope(),
        period=OCTOBER,
        generated_at=GENERATED,
        title="October 2026: all services",
        verdict=Verdict(
            sentence="October: nothing was measured, so none of 2 promises can be judged.",
            decision=Decision.UNKNOWN,
            because="There is no data.",
            kept=0,
            judged=0,
            remarks=(),
        ),
        overview=Overview(
            requests=tally(0, 0), previous=None, limited=0, p50_ms=None, p95_ms=None, p99_ms=None, previous_p99_ms=None,
            budget_remaining_ratio=None, incidents=0, incident_minutes=0, previous_incidents=0, previous_incident_minutes=0,
        ),
        promises=promises,
        burn_downs=tuple(burn_down(each, OCTOBER, [None, None]) for each in promises),
        routes=(),
        days=tuple(day(of, tally(0, 0), Standing.NO_DATA) for of in dates(OCTOBER)),
        reasons=(),
        incidents=(),
        maintenance=(),
        completeness=Completeness(
            accepted=0, stored=0, duplicates=0, dead=0, in_flight=0, balanced=True, late=0, gap_minutes=44_700
        ),
        accounts=(),
        other_accounts=None,
        tiers=(),
        definitions=tuple(definition(each) for each in promises),
        target_changes=(),
    )  # fmt: skip


def falling(seeded: random.Random, points: int, end: float) -> list[str | None]:
    """What is left of a budget that falls from 1 to `end`, unevenly."""
    steps = [seeded.random() ** 2 for _ in range(points - 1)]
    whole, left, line = sum(steps), 1.0, ["1"]
    for step in steps:
        left -= step / whole * (1 - end)
        line.append(f"{left:.5f}")
    return list(line)


def accounts(count: int) -> tuple[Account, ...]:
    volumes = [9_000_000 // (number + 1) for number in range(count)]
    return tuple(
        Account(
            account_id=f"acme-{number:03}",
            name=f"Acme {number:03} GmbH",
            tier=("enterprise", "standard", "free")[number % 3],
            requests=volume,
            events=volume * 3,
            share=Decimal(volume) / Decimal(sum(volumes)),
            bad=volume // 4_000,
            limited=0 if number % 4 else volume // 700,
            refused=12 if number == 3 else 0,
            breaker_opened=1 if number == 3 else 0,
            quota_notices=2 if number == 4 else 0,
        )
        for number, volume in enumerate(volumes)
    )
