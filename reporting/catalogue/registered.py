"""The SLOs that are in force, and those that were."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import structlog

from reporting.catalogue.documents import UnreadableDocumentError, definition_of
from reporting.slo.objective import promised

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from reporting.catalogue.catalogue_store import StoredVersion
    from reporting.definitions.definition import Definition
    from reporting.slo.objective import ObjectiveVersion

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Version:
    """An SLO as it was applied; the definition is None when it was removed, or when this release does not understand it."""

    version: int
    effective_from: datetime
    applied_by: str
    definition: Definition | None
    understood: bool = True


@dataclass(frozen=True, slots=True)
class Registered:
    """One SLO with all its versions, oldest first."""

    name: str
    versions: tuple[Version, ...]

    @property
    def current(self) -> Definition | None:
        """The definition in force; None after it was removed, or when it is not understood."""
        return self.versions[-1].definition

    @property
    def understood(self) -> bool:
        return self.versions[-1].understood

    @property
    def in_force(self) -> bool:
        """Whether it was not removed; one that is not understood was not."""
        return self.current is not None or not self.understood

    @property
    def history(self) -> tuple[ObjectiveVersion, ...]:
        """What was promised, and since when."""
        history: tuple[ObjectiveVersion, ...] = ()
        for version in self.versions:
            if version.definition is not None:
                history = promised(history, version.definition.objective, version.effective_from)
        return history

    def at(self, instant: datetime) -> Definition | None:
        """Return the definition that was in force; before the first one that, since there was no other."""
        held = self.versions[0].definition
        for version in self.versions:
            if version.effective_from <= instant:
                held = version.definition
        return held


def register(stored: Iterable[StoredVersion]) -> dict[str, Registered]:
    """Return SLOs by name, of versions ordered by name and number. What is not understood of them is logged."""
    return {
        name: Registered(name, tuple(_version(each) for each in found))
        for name, found in groupby(stored, key=lambda version: version.name)
    }


def _version(stored: StoredVersion) -> Version:
    version = Version(stored.version, stored.effective_from, stored.applied_by, None)
    try:
        return version if stored.document is None else replace(version, definition=definition_of(stored.document))
    except UnreadableDocumentError as error:
        log.exception("slo_not_understood", slo=stored.name, version=stored.version, error=str(error))
        return replace(version, understood=False)
