"""Puts the public status page together: for the API, which answers with it, and for workers, which write it to disk."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.accepted_minutes import AcceptedMinutes
from app.core.clock import CLOCK
from dashboards.status import api as status_api
from dashboards.status.copies import Copies
from dashboards.status.reading import Shown, StatusReader
from dashboards.status.rendering import rendered
from reporting.catalogue.catalogue import Catalogue
from reporting.evaluation.books import Books
from reporting.maintenance.maintenance import MaintenanceCalendar
from reporting.publication import publications_api
from reporting.publication.publications import Publications

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint

    from app.core.database import Database
    from app.core.http.guard import Guard
    from app.core.settings import Settings
    from app.core.valkey import Valkey
    from dashboards.status.rendering import Copy


def status_routes(settings: Settings, database: Database, valkey: Valkey, guard: Guard) -> list[Blueprint]:
    """Return the public page, and what operators do with it."""
    copies = Copies(
        page_maker(settings, database, valkey),
        fresh=timedelta(seconds=settings.status_fresh_s),
        directory=directory_of(settings),
    )
    return [
        status_api.blueprint(copies, guard, fresh_s=settings.status_fresh_s),
        publications_api.blueprint(Publications(database), guard),
    ]


def page_maker(settings: Settings, database: Database, valkey: Valkey) -> Callable[[], Copy]:
    """Return what makes the page, and raises `DependencyError`; it is not thread-safe."""
    reader = StatusReader(
        database,
        Catalogue(database),
        MaintenanceCalendar(database),
        Books(AcceptedMinutes(database, valkey)),
        shown_of(settings),
    )
    return partial(_made, reader, settings.base_url.rstrip("/"))


def shown_of(settings: Settings) -> Shown:
    """Return what is public."""
    named = settings.status_services
    services = None if named is None else frozenset(filter(None, map(str.strip, named.split(","))))
    return Shown(zone=settings.timezone, services=services)


def directory_of(settings: Settings) -> Path | None:
    """Return where the copy on disk is."""
    return None if settings.status_directory is None else Path(settings.status_directory)


def _made(reader: StatusReader, base_url: str) -> Copy:
    return rendered(reader.read(CLOCK.now()), base_url)
