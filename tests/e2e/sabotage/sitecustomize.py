"""Breaks a promise on purpose: Python imports this at start when its directory is on PYTHONPATH, and SABOTAGE says how.

The product's own files stay as they are, so what is sabotaged is what ships.
"""

from __future__ import annotations

import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType


def ack_before_the_store(module: Any) -> None:
    """The worker forgets its entries before it works on them."""
    work = module.BundleRunner._work

    def settle_and_work(self: Any, entries: Any) -> None:
        self._queue.settle(entries, again=False)
        work(self, entries)

    module.BundleRunner._work = settle_and_work


def no_conflict_on_events(module: Any) -> None:
    """An event that is stored already is an error."""
    module._INSERT_EVENTS = module._INSERT_EVENTS.replace("ON CONFLICT DO NOTHING", "")


def no_conflict_on_outcomes(module: Any) -> None:
    """A batch that has its outcome already is an error."""
    module._INSERT_OUTCOMES = module._INSERT_OUTCOMES.replace("ON CONFLICT DO NOTHING", "")


SABOTAGES: dict[str, tuple[str, Callable[[Any], None]]] = {
    "ack-before-the-store": ("app.core.queue.bundle", ack_before_the_store),
    "no-conflict-on-events": ("ingestion.event_store", no_conflict_on_events),
    "no-conflict-on-outcomes": ("ingestion.event_store", no_conflict_on_outcomes),
}


class Saboteur(MetaPathFinder, Loader):
    """Lets a module load as always, then breaks it."""

    def __init__(self, name: str, sabotage: Callable[[Any], None]) -> None:
        self._name = name
        self._sabotage = sabotage
        self._loader: Any = None

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None:
            self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._sabotage(module)


if chosen := os.environ.get("SABOTAGE"):
    sys.meta_path.insert(0, Saboteur(*SABOTAGES[chosen]))
