"""Applying definitions, and looking them up.

1. What a text says is checked as a whole, with what was applied before to refer to; one error refuses all of it.
2. Its objects replace those of the same kind and name. SLOs that refer to them change with them.
3. Every SLO that is different from before gets one more version, which holds from now on; the same again changes nothing.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from app.core.counting import backfill
from app.domain.filters import Source
from reporting.catalogue import catalogue_store
from reporting.catalogue.catalogue_store import StoredObject, StoredVersion
from reporting.catalogue.documents import UnreadableDocumentError, document_of, object_of
from reporting.catalogue.registered import register
from reporting.definitions import openslo
from reporting.definitions.build import build
from reporting.definitions.export import export
from reporting.definitions.findings import DefinitionError
from reporting.definitions.installation import UNKNOWN
from reporting.definitions.load import load
from reporting.definitions.references import Library
from reporting.definitions.reporter import Reporter
from reporting.evaluation.event_book import rule_of
from reporting.evaluation.measure import measure_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database
    from reporting.catalogue.registered import Registered
    from reporting.definitions.definition import Definition
    from reporting.definitions.findings import Finding
    from reporting.definitions.installation import Installation
    from reporting.definitions.openslo import OpenSLO


SHIPPED = "slipstream"
"""Who applied what ships with the platform."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """An SLO before and after; both are the same when a text says nothing new of it."""

    before: Definition | None
    after: Definition

    @property
    def changed(self) -> bool:
        return self.before is None or document_of(self.before.written) != document_of(self.after.written)


@dataclass(frozen=True, slots=True)
class Applied:
    """What a text came to: the SLOs it is about, doubts, and the number of objects of other kinds.

    `seal` stands for the text and all that it changes, so that somebody can say what he has looked at.
    """

    replacements: tuple[Replacement, ...]
    findings: tuple[Finding, ...]
    objects: int
    seal: str


class SeenOtherwiseError(Exception):
    """A text, or what it changes, is another than was looked at; nothing was applied."""


class Catalogue:
    """Thread-safe. Methods raise `DependencyError`. `here` is what the settings say of definitions."""

    def __init__(self, database: Database, *, here: Installation = UNKNOWN) -> None:
        self._database = database
        self._here = here
        self._lock = threading.Lock()
        self._known: dict[str, Registered] = {}
        self._versions = (-1, -1)

    def registered(self, connection: Connection) -> dict[str, Registered]:
        """Return every SLO that is or was, by name."""
        versions = catalogue_store.state_of_versions(connection)
        with self._lock:
            if versions != self._versions:
                self._known = register(catalogue_store.versions(connection))
                self._versions = versions
            return self._known

    def find(self, name: str) -> Registered | None:
        """Return one SLO with its versions; None when there never was one."""
        with self._database.begin() as connection:
            return self.registered(connection).get(name)

    def in_force(self) -> list[Definition]:
        """Return the definitions in force, by name."""
        with self._database.begin() as connection:
            known = self.registered(connection).values()
        return [each.current for each in known if each.current is not None]

    def names_in_force(self) -> set[str]:
        """Return the names of all SLOs in force, also of those that this release does not understand."""
        with self._database.begin() as connection:
            return {each.name for each in self.registered(connection).values() if each.in_force}

    def plan(self, text: str) -> Applied:
        """Return what applying a text would do; raises `DefinitionError`."""
        with self._database.begin() as connection:
            return self._plan(connection, text)[0]

    def apply(self, text: str, *, by: str, now: datetime, seal: str | None = None) -> Applied:
        """Apply a text; raises `DefinitionError`, and for another seal than given `SeenOtherwiseError`: then nothing is changed."""
        with self._database.begin() as connection:
            catalogue_store.hold(connection)
            applied, objects = self._plan(connection, text)
            if seal not in {None, applied.seal}:
                raise SeenOtherwiseError
            stored = [StoredObject(each.kind, each.metadata.name, document_of(each)) for each in objects]
            catalogue_store.put_objects(connection, stored, now)
            for replacement in applied.replacements:
                if replacement.changed:
                    _add_version(connection, replacement.after.name, document_of(replacement.after.written), by, now)
            require_rules(connection, now)
        return applied

    def remove(self, name: str, *, by: str, now: datetime) -> bool:
        """Remove an SLO from now on; what it promised stays known. False when there is none."""
        with self._database.begin() as connection:
            catalogue_store.hold(connection)
            if not catalogue_store.remove_object(connection, openslo.SLO.__name__, name):
                return False
            _add_version(connection, name, None, by, now)
            require_rules(connection, now)
        return True

    def apply_shipped(self, text: str, *, now: datetime) -> list[str]:
        """Apply the SLOs of a text that were never there, and return their names: what somebody removed stays away."""
        with self._database.begin() as connection:
            ever = self.registered(connection).keys()
            stored = {(each.kind, each.name) for each in catalogue_store.objects(connection)}
        shipped = load(text).objects
        added = [each for each in shipped if isinstance(each, openslo.SLO) and each.metadata.name not in ever]
        if added:
            others = [each for each in shipped if not isinstance(each, openslo.SLO)]
            missing = [each for each in others if (each.kind, each.metadata.name) not in stored]
            self.apply(export([*missing, *added]), by=SHIPPED, now=now)
        return [each.metadata.name for each in added]

    def _plan(self, connection: Connection, text: str) -> tuple[Applied, list[OpenSLO]]:
        stored = [_readable(each) for each in catalogue_store.objects(connection)]
        loaded = load(text, [each for each in stored if each is not None], here=self._here)
        if loaded.errors:
            raise DefinitionError(loaded.errors)
        objects = {(each.kind, each.metadata.name): each for each in stored if each is not None}
        objects |= {(each.kind, each.metadata.name): each for each in loaded.objects}
        library = Library(objects.values())
        current = {name: each.current for name, each in self.registered(connection).items()}
        written = {definition.name for definition in loaded.definitions}
        replacements = []
        for each in objects.values():
            if isinstance(each, openslo.SLO):
                replacement = Replacement(current.get(each.metadata.name), _built(each, library))
                if replacement.changed or each.metadata.name in written:
                    replacements.append(replacement)
        others = sum(not isinstance(each, openslo.SLO) for each in loaded.objects)
        applied = Applied(tuple(replacements), tuple(loaded.findings), others, _seal(text, replacements))
        return applied, loaded.objects


def require_rules(connection: Connection, now: datetime) -> None:
    """Have events counted for the SLOs in force, and for no others. What is not committed yet is not remembered."""
    registered = register(catalogue_store.versions(connection)).values()
    measures = [measure_of(each.current.indicator) for each in registered if each.current is not None]
    rules = [rule_of(measure) for measure in measures if measure.source is Source.EVENTS]
    # Any rule may be that of an SLO that only a later release understands.
    backfill.require(connection, rules, now, only=all(each.understood for each in registered))


def _seal(text: str, replacements: Iterable[Replacement]) -> str:
    changes = [
        (each.after.name, each.before and document_of(each.before.written), document_of(each.after.written))
        for each in replacements
    ]
    return sha256(text.encode() + msgspec.json.encode(changes)).hexdigest()


def _built(slo: openslo.SLO, library: Library) -> Definition:
    report = Reporter()
    definition = build(slo, library, report)
    if definition is None:
        raise DefinitionError(report.findings)
    return definition


def _readable(stored: StoredObject) -> OpenSLO | None:
    try:
        return object_of(stored.kind, stored.document)
    except UnreadableDocumentError:
        return None


def _add_version(connection: Connection, name: str, document: str | None, by: str, now: datetime) -> None:
    before = catalogue_store.versions(connection, name)
    number = before[-1].version + 1 if before else 1
    catalogue_store.add_version(connection, StoredVersion(name, number, now, by, document))


def current_of(registered: Iterable[Registered]) -> list[Registered]:
    """Return the SLOs that are in force."""
    return [each for each in registered if each.current is not None]
