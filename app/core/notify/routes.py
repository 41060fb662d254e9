"""Who is told of what: by urgency, and by service.

A setting such as `NOTIFY_PAGE` holds entries with spaces in between. Every entry is told. `checkout=https://…` is for the
service `checkout` alone, which then takes none of the others. `slack://…|mailto:…` is a chain: the second is told as
well as soon as the first is down.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.notify.targets import Channel, Target, parse_target
from app.core.notify.urgency import Urgency

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.core.settings import Settings

_OF_SERVICE = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*)=(?=[A-Za-z0-9]+:)")
Chain = tuple[Target, ...]
"""Targets of which each stands in for the one before."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A chain for a service, or for all that have none of their own."""

    chain: Chain
    service: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The chains of the settings."""

    page: tuple[Entry, ...] = ()
    ticket: tuple[Entry, ...] = ()
    alertmanager: Target | None = None

    def chains(self, urgency: Urgency, service: str) -> tuple[Chain, ...]:
        """Return everybody who is told."""
        entries = self.page if urgency is Urgency.PAGE else self.ticket
        own = tuple(entry.chain for entry in entries if entry.service == service)
        return own or tuple(entry.chain for entry in entries if entry.service is None)

    def targets(self) -> Iterable[Target]:
        """Return every target there is, once."""
        chains = [entry.chain for entry in (*self.page, *self.ticket)]
        every = [target for chain in chains for target in chain]
        return dict.fromkeys(every if self.alertmanager is None else [*every, self.alertmanager])


def parse_entries(text: str) -> tuple[Entry, ...]:
    """Read the entries of a setting. Raises `ValueError`."""
    return tuple(_entry(part) for part in text.split())


def needed_by(text: str) -> Iterable[tuple[str, str]]:
    """Return the names of settings without which some target of `text` cannot be reached, each with its reason."""
    channels = {target.channel for entry in parse_entries(text) for target in entry.chain}
    needs = {
        Channel.WEBHOOK: ("webhook_secret", "webhooks are signed, and one is to be told"),
        Channel.MAIL: ("smtp_url", "somebody is to be told by mail"),
    }
    return [need for channel, need in needs.items() if channel in channels]


def make_routes(*, page: str | None, ticket: str | None, alertmanager: str | None) -> Routes:
    """Make the routes of settings that were checked before."""
    return Routes(
        page=parse_entries(page or ""),
        ticket=parse_entries(ticket or ""),
        alertmanager=None if alertmanager is None else Target(Channel.ALERTMANAGER, alertmanager),
    )


def _entry(text: str) -> Entry:
    found = _OF_SERVICE.match(text)
    service, rest = (None, text) if found is None else (found[1], text[found.end() :])
    return Entry(tuple(parse_target(part) for part in rest.split("|")), service)


def routes_of(settings: Settings) -> Routes:
    """Return who is told of what."""
    return make_routes(page=settings.notify_page, ticket=settings.notify_ticket, alertmanager=settings.alertmanager_url)
