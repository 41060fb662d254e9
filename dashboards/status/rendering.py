"""The files of the page, made of one reading."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dashboards.status.atom import atom_of
from dashboards.status.badge import badge
from dashboards.status.html import badge_name, html_of
from dashboards.status.view import json_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from dashboards.status.model import StatusPage

HTML, JSON, ATOM, BADGES = "index.html", "status.json", "status.atom", "badges"


@dataclass(frozen=True, slots=True)
class Copy:
    """The page's files by name, as of an instant."""

    as_of: datetime
    files: Mapping[str, bytes]

    def tag(self, name: str) -> str:
        """Return the ETag of a file."""
        return hashlib.sha256(self.files[name]).hexdigest()[:32]


def rendered(page: StatusPage, base_url: str) -> Copy:
    """Return all forms of a page."""
    files = {HTML: html_of(page), JSON: json_of(page), ATOM: atom_of(page, base_url)}
    files |= {f"{BADGES}/{badge_name(service.name)}": badge(service.name, service.state) for service in page.services}
    return Copy(page.as_of, files)
