"""Names of alerting rules."""

from __future__ import annotations

from dataclasses import replace

from reporting.alerts.tiers import rule_name, tiers_of
from tests.reporting.alerts.conftest import FAST, RULES, C, reading


def test_a_rule_keeps_its_name_when_its_burn_rate_changes_with_the_month() -> None:
    assert [rule_name(rule) for rule in RULES] == [FAST, "page-6h-30m", "ticket-1d-2h", "ticket-3d-6h"]
    twice = reading("a", rules=(RULES[0], replace(RULES[0], factor=RULES[0].factor / 2)), signals=(C, C))
    assert [tier.name for tier in tiers_of(twice)[:2]] == [FAST, f"{FAST}-2"]
