"""Accounts by volume, and how protection treated them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.reports.figures.accounts_store import Volume
from reporting.reports.figures.requests import OTHER
from reporting.reports.figures.spans import EVENT_WIDTHS, pieces_of
from reporting.reports.model import Account
from reporting.slo.exact import quotient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting.reports.figures.accounts_store import AccountRows
    from reporting.reports.figures.counting import Span
    from reporting.reports.model import Period

MOST = 50


def accounts_of(rows: AccountRows, period: Period, span: Span, *, over: int) -> list[Account]:
    """Return the accounts that did something, or to which something was done, largest first."""
    volumes = rows.volumes(pieces_of(*span, over=over))
    events = rows.events(pieces_of(*span, over=over, widths=EVENT_WIDTHS))
    opened = rows.opened(period.start, period.until)
    notices = rows.notices(period.start, period.until)
    total = sum(events.values())
    found = []
    for each in rows.known:
        volume = volumes.get(each.account_id, Volume())
        stored = events.get(each.account_id, 0)
        if any(volume) or stored or each.account_id in opened or each.account_id in notices:
            found.append(
                Account(
                    account_id=each.account_id,
                    name=each.name,
                    tier=each.tier,
                    requests=volume.requests,
                    events=stored,
                    share=quotient(stored, total) if total else None,
                    bad=volume.bad,
                    limited=volume.limited,
                    refused=volume.refused,
                    breaker_opened=opened.get(each.account_id, 0),
                    quota_notices=notices.get(each.account_id, 0),
                )
            )
    return sorted(found, key=lambda each: (-each.events, -each.requests, each.account_id))


def first_and_rest(found: Sequence[Account], most: int = MOST) -> tuple[tuple[Account, ...], Account | None]:
    """Return the largest accounts, and all others as one."""
    rest = found[most:]
    if not rest:
        return tuple(found), None
    total = sum(each.events for each in found)
    events = sum(each.events for each in rest)
    return tuple(found[:most]), Account(
        account_id=OTHER,
        name=f"{len(rest):,} others",
        tier="",
        requests=sum(each.requests for each in rest),
        events=events,
        share=quotient(events, total) if total else None,
        bad=sum(each.bad for each in rest),
        limited=sum(each.limited for each in rest),
        refused=sum(each.refused for each in rest),
        breaker_opened=sum(each.breaker_opened for each in rest),
        quota_notices=sum(each.quota_notices for each in rest),
    )
