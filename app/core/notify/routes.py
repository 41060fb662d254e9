"""Who is told of what: by urgency, and by service, or by the name of a target.

A setting such as `NOTIFY_PAGE` holds entries with spaces in between. Every entry is told. `checkout=https://…` is for the
service `checkout` alone, which then takes none of the others. `slack://…|mailto:…` is a chain: the second is told as
well as soon as the first is down. `NOTIFY_TARGETS` has the same entries, and what stands before `=` is the name by which an
alert policy asks for it; `page` and `ticket` are the names of the other two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.notify.targets import Channel, Target, parse_target
from app.core.notify.urgency import Urgency

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.core.notify.notification import Notification
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
    named: tuple[Entry, ...] = ()
    alertmanager: Target | None = None

    @property
    def names(self) -> frozenset[str]:
        """What a policy may name as a target."""
        return frozenset({*Urgency, *(entry.service for entry in self.named if entry.service is not None)})

    def told(self, notification: Notification) -> tuple[Chain, ...]:
        """Return everybody who is told of a notification, once. A target that the settings do not name is its urgency's.

        A letter is for its recipient alone.
        """
        if notification.letter is not None:
            return ((Target(Channel.MAIL, notification.letter.to),),)
        names = [name if name in self.names else str(notification.urgency) for name in notification.targets]
        asked = dict.fromkeys(names or [str(notification.urgency)])
        return tuple(dict.fromkeys(chain for name in asked for chain in self._chains_of(name, notification.service)))

    def _chains_of(self, name: str, service: str) -> tuple[Chain, ...]:
        if name in set(Urgency):
            return self.chains(Urgency(name), service)
        return tuple(entry.chain for entry in self.named if entry.service == name)

    def chains(self, urgency: Urgency, service: str) -> tuple[Chain, ...]:
        """Return everybody who is told of an urgency."""
        entries = self.page if urgency is Urgency.PAGE else self.ticket
        own = tuple(entry.chain for entry in entries if entry.service == service)
        return own or tuple(entry.chain for entry in entries if entry.service is None)

    def targets(self) -> Iterable[Target]:
        """Return every target there is, once."""
        chains = [entry.chain for entry in (*self.page, *self.ticket, *self.named)]
        every = [target for chain in chains for target in chain]
        return dict.fromkeys(every if self.alertmanager is None else [*every, self.alertmanager])


def parse_entries(text: str) -> tuple[Entry, ...]:
    """Read the entries of a setting. Raises `ValueError`."""
    return tuple(_entry(part) for part in text.split())


def parse_named(text: str) -> tuple[Entry, ...]:
    """Read entries of which each has a name. Raises `ValueError`."""
    entries = parse_entries(text)
    for entry in entries:
        if entry.service is None:
            raise ValueError("must give each target a name, like team=https://hooks.example.org/team")
        if entry.service in set(Urgency):
            raise ValueError(f"must not name a target {entry.service}, which is a setting of its own")
    return entries


def needed_by(text: str) -> Iterable[tuple[str, str]]:
    """Return the names of settings without which some target of `text` cannot be reached, each with its reason."""
    channels = {target.channel for entry in parse_entries(text) for target in entry.chain}
    needs = {
        Channel.WEBHOOK: ("webhook_secret", "webhooks are signed, and one is to be told"),
        Channel.MAIL: ("smtp_url", "somebody is to be told by mail"),
    }
    return [need for channel, need in needs.items() if channel in channels]


def make_routes(*, page: str | None, ticket: str | None, alertmanager: str | None, named: str | None = None) -> Routes:
    """Make the routes of settings that were checked before."""
    return Routes(
        page=parse_entries(page or ""),
        ticket=parse_entries(ticket or ""),
        named=parse_named(named or ""),
        alertmanager=None if alertmanager is None else Target(Channel.ALERTMANAGER, alertmanager),
    )


def _entry(text: str) -> Entry:
    found = _OF_SERVICE.match(text)
    service, rest = (None, text) if found is None else (found[1], text[found.end() :])
    return Entry(tuple(parse_target(part) for part in rest.split("|")), service)


def routes_of(settings: Settings) -> Routes:
    """Return who is told of what."""
    return make_routes(
        page=settings.notify_page,
        ticket=settings.notify_ticket,
        named=settings.notify_targets,
        alertmanager=settings.alertmanager_url,
    )
