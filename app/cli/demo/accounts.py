"""The demo's accounts, one an airline: made on the first start, found again on later ones."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from app.cli.demo.flights import AIRLINES
from app.cli.demo.limits import OVER_ITS_TIER, OVER_TIER

if TYPE_CHECKING:
    from app.client import Link
    from app.platform import Platform

_TIERS = {OVER_ITS_TIER: OVER_TIER}


def open_accounts(platform: Platform) -> dict[str, str]:
    """Return a new key for each airline. An account that is there gets the demo's tier and a closed circuit again."""
    keys = {}
    for airline in AIRLINES:
        tier = _TIERS.get(airline, "standard")
        with platform.admin() as admin:
            if admin.get(f"/accounts/{airline}").status == HTTPStatus.NOT_FOUND:
                keys[airline] = platform.create_account(airline, tier=tier)
            else:
                _as_before(admin, airline, tier)
                keys[airline] = platform.create_key(airline)
    return keys


def _as_before(admin: Link, airline: str, tier: str) -> None:
    admin.call("PATCH", f"/accounts/{airline}", {"tier": tier, "overrides": {}})
    admin.call("DELETE", f"/accounts/{airline}/circuit", expect=HTTPStatus.NO_CONTENT)
