"""Changes the product from within: Python imports this at start when its directory is on PYTHONPATH, and INSIDE says how.

Most ways break a promise on purpose. The product's own files stay as they are, so what is changed is what ships.
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


def accept_before_the_disk(module: Any) -> None:
    """Valkey keeps what it accepts in memory alone, once everybody has seen that it does not."""
    start = module.Platform.start

    def start_and_forget(self: Any) -> Any:
        import redis  # noqa: PLC0415 - most processes do not come here.

        started = start(self)
        with redis.Redis.from_url(started.instance.redis_url) as client:
            client.config_set("appendonly", "no")
        return started

    module.Platform.start = start_and_forget


def scheduled_probe(module: Any) -> None:
    """The task queue has one more task. This one breaks nothing."""
    from schedule_probe import register_probe  # noqa: PLC0415 - found beside this file.

    make = module.task_queue

    def task_queue(*args: Any) -> Any:
        queue = make(*args)
        register_probe(queue.huey)
        return queue

    module.task_queue = task_queue


def no_takeover(module: Any) -> None:
    """A lease outlives its worker by far."""
    begin = module.Leases.__init__

    def begin_for_long(self: Any, *args: Any, **options: Any) -> None:
        begin(self, *args, **{**options, "ttl_s": 600.0})

    module.Leases.__init__ = begin_for_long


def ends_at_once(module: Any) -> None:
    """The API ends with requests in hand when it is asked to end."""
    from dataclasses import replace  # noqa: PLC0415 - most processes do not come here.
    from signal import SIGKILL  # noqa: PLC0415

    specify = module.Platform._api
    module.Platform._api = lambda self: replace(specify(self), stop_signal=SIGKILL)


def no_detour(module: Any) -> None:
    """The bad network is somewhere else. This breaks the fault and not the product."""
    begin = module.Detour.__init__

    def begin_elsewhere(self: Any, path: Any, way: Any) -> None:
        elsewhere = path.with_name(f"{path.name}.elsewhere")
        elsewhere.touch()
        begin(self, elsewhere, way)

    module.Detour.__init__ = begin_elsewhere


def mailed_twice(module: Any) -> None:
    """Each mail of a report is written into the outbox twice."""
    from types import SimpleNamespace  # noqa: PLC0415 - most processes do not come here.

    from msgspec.structs import replace  # noqa: PLC0415

    add = module.outbox_store.add

    def add_twice(connection: Any, added: Any, now: Any) -> None:
        again = [replace(each, id=f"{each.id}.again", subject=f"{each.subject}.again") for each in added]
        add(connection, [*added, *again], now)

    module.outbox_store = SimpleNamespace(add=add_twice)


def no_deadlines(module: Any) -> None:
    """A connection to PostgreSQL waits for as long as the server says nothing."""
    del module.PatientConnection.wait


CHANGES: dict[str, tuple[str, Callable[[Any], None]]] = {
    "ack-before-the-store": ("app.core.queue.bundle", ack_before_the_store),
    "accept-before-the-disk": ("app.platform", accept_before_the_disk),
    "no-takeover": ("app.core.queue.leases", no_takeover),
    "ends-at-once": ("app.platform", ends_at_once),
    "no-detour": ("app.cli.chaos.detour", no_detour),
    "mailed-twice": ("reporting.reports.delivery", mailed_twice),
    "no-deadlines": ("app.core.patient_connection", no_deadlines),
    "no-conflict-on-events": ("ingestion.event_store", no_conflict_on_events),
    "no-conflict-on-outcomes": ("ingestion.event_store", no_conflict_on_outcomes),
    "scheduled-probe": ("app.task_queue", scheduled_probe),
}


class Changer(MetaPathFinder, Loader):
    """Lets a module load as always, then changes it."""

    def __init__(self, name: str, change: Callable[[Any], None]) -> None:
        self._name = name
        self._change = change
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
        self._change(module)


if chosen := os.environ.get("INSIDE"):
    sys.meta_path.insert(0, Changer(*CHANGES[chosen]))
