"""The demo's accounts, one an airline: made on the first start, found again on later ones."""

from __future__ import annotations

import time
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from app.cli.demo.flights import AIRLINES
from app.cli.demo.limits import OVER_ITS_TIER, OVER_TIER
from app.client import UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.client import Link
    from app.platform import Platform

_PATIENCE_S = 60.0
_TIERS = {OVER_ITS_TIER: OVER_TIER}


def open_accounts(platform: Platform) -> dict[str, str]:
    """Return a new key for each airline. An account that is there gets the demo's tier and a closed circuit again."""
    return {airline: _patiently(partial(_open, platform, airline)) for airline in AIRLINES}


def _open(platform: Platform, airline: str) -> str:
    tier = _TIERS.get(airline, "standard")
    with platform.admin() as admin:
        if admin.get(f"/accounts/{airline}").status == HTTPStatus.NOT_FOUND:
            return platform.create_account(airline, tier=tier)
        _as_before(admin, airline, tier)
    return platform.create_key(airline)


def _patiently(step: Callable[[], str]) -> str:
    """Repeat a step that may be repeated, when a busy machine has made the platform say: later."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return step()
        except UnexpectedAnswerError as error:
            if error.answer.retry_after_s is None or time.monotonic() > until:
                raise
            time.sleep(error.answer.retry_after_s)


def _as_before(admin: Link, airline: str, tier: str) -> None:
    admin.call("PATCH", f"/accounts/{airline}", {"tier": tier, "overrides": {}})
    admin.call("DELETE", f"/accounts/{airline}/circuit", expect=HTTPStatus.NO_CONTENT)
