"""What `/metrics` answers, in Prometheus's text format."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import InfoMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app.core.metrics.multiprocess import forget_dead

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from prometheus_client import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Exposition:
    """Renders this process's metrics, or those of all its siblings when they count in a directory together.

    `collectors` are asked at each scrape, once, whichever process answers it.
    """

    def __init__(self, own: CollectorRegistry, *, directory: Path | None, collectors: Sequence[Collector] = ()) -> None:
        self._own = own
        self._directory = directory
        self._collectors = collectors

    def render(self) -> bytes:
        """Return the text."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Build())
        for collector in self._collectors:
            registry.register(collector)
        if self._directory is None:
            return generate_latest(self._own) + generate_latest(registry)
        forget_dead(self._directory)
        MultiProcessCollector(registry, path=str(self._directory))  # type: ignore[no-untyped-call]  # The library has no types here.
        return generate_latest(registry)


class _Build(Collector):
    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily("slipstream_build", "What runs here.", {"version": version("slipstream")})
