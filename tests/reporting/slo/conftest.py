"""The shipped alerts over a month, and minutes of steady traffic."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from reporting.slo.alert_catalogue import WORKBOOK
from reporting.slo.objective import Objective

if TYPE_CHECKING:
    from reporting.slo.burn_rate_alert import BurnRateAlert

MONTH = timedelta(days=30)


@pytest.fixture
def workbook() -> tuple[BurnRateAlert, ...]:
    """Page 1h and 6h, ticket 1d and 3d, over 30 days."""
    return tuple(pair.for_period(MONTH) for pair in WORKBOOK.pairs)


@pytest.fixture
def three_nines() -> Objective:
    return Objective(target=Decimal("0.999"))
