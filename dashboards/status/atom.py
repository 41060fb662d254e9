"""Published incidents as an Atom feed (RFC 4287)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from dashboards.status.writing import moment

if TYPE_CHECKING:
    from datetime import datetime

    from dashboards.status.model import StatusPage
    from reporting.publication.publication import PublishedIncident

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def atom_of(page: StatusPage, base_url: str) -> bytes:
    """Return the feed. Ids stay the same for ever, and an entry is newer when the public heard something new."""
    updated = max(
        (incident.changed_at for incident in page.incidents),
        default=page.as_of.replace(hour=0, minute=0, second=0, microsecond=0),
    )
    entries = Markup().join(_entry(incident, page, base_url) for incident in page.incidents)
    feed = Markup(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<feed xmlns="http://www.w3.org/2005/Atom">'
        "<title>Status</title><id>{id}</id><updated>{updated}</updated>"
        '<link rel="self" href="{url}.atom"/><link href="{url}"/>'
        "<author><name>Slipstream</name></author>{entries}</feed>\n"
    ).format(id=_id(base_url, "status"), updated=_instant(updated), url=f"{base_url}/status", entries=entries)
    return str(feed).encode()


def _entry(incident: PublishedIncident, page: StatusPage, base_url: str) -> Markup:
    state = "Resolved" if incident.resolved_at else "Goes on"
    told = [f"{moment(each.at, page.zone)}: {each.progress.value}. {each.text}" for each in reversed(incident.updates)]
    began = f"{state}. {incident.service}, since {moment(incident.started_at, page.zone)}"
    ended = f", until {moment(incident.resolved_at, page.zone)}." if incident.resolved_at else "."
    return Markup(
        "<entry><title>{title}</title><id>{id}</id><published>{published}</published><updated>{updated}</updated>"
        '<link href="{url}"/><content type="text">{content}</content></entry>'
    ).format(
        title=_clean(f"{incident.service}: {incident.title}"),
        id=_id(base_url, incident.incident_id),
        published=_instant(incident.published_at),
        updated=_instant(incident.changed_at),
        url=f"{base_url}/status#{incident.incident_id}",
        content=_clean("\n".join([began + ended, *told])),
    )


def _id(base_url: str, name: str) -> str:
    """A tag of RFC 4151: it names the thing wherever the page moves."""
    return f"tag:{urlsplit(base_url).hostname},2026:{name}"


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _clean(text: str) -> Markup:
    """Leave out what no XML may hold, and escape the rest."""
    return escape(_NOT_IN_XML.sub("", text))
