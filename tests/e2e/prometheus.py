"""Debian's Prometheus, scraping a platform with the exported rules loaded."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import yaml

from app.client import CutError, Link, UnexpectedAnswerError
from app.named_routes import shipped_text
from app.platform import Role
from dashboards.prometheus.export import ALERTING, RECORDING, export
from reporting.definitions.load import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.platform import Platform

Series = dict[tuple[tuple[str, str], ...], float]


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that runs; `targets` is how many it scrapes."""

    url: str
    targets: int

    def series(self, expression: str, at: float) -> Series:
        """Return the value of every series of an expression, by labels."""
        with Link(self.url) as link:
            answer = link.call("GET", f"/api/v1/query?{urlencode({'query': expression, 'time': at})}")
        return {tuple(sorted(found["metric"].items())): float(found["value"][1]) for found in answer["data"]["result"]}

    def query(self, expression: str, at: float) -> float | None:
        """Return the value of an expression with one series; None when there is none."""
        found = self.series(expression, at)
        assert len(found) <= 1, found
        return next(iter(found.values()), None)

    def scrapes_all(self) -> bool:
        """Say whether every target answers."""
        try:
            return self.query("sum(up)", time.time()) == self.targets
        except (CutError, UnexpectedAnswerError):
            return False


@contextmanager
def running_prometheus(platform: Platform, directory: Path, *, scrape_s: int) -> Iterator[Prometheus]:
    """Run one that scrapes the API and all workers, and evaluates the rules as often."""
    rules = directory / "rules"
    export(load(shipped_text()).definitions, rules)
    (rules / RECORDING).write_text((rules / RECORDING).read_text().replace("interval: 30s", f"interval: {scrape_s}s"))
    workers = [f"127.0.0.1:{worker.spec.env['SLIPSTREAM_WORKER_PORT']}" for worker in platform.processes(Role.WORKER)]
    targets = [urlsplit(platform.base_url).netloc, *workers]
    configuration = {
        "global": {"scrape_interval": f"{scrape_s}s", "evaluation_interval": f"{scrape_s}s"},
        "rule_files": [str(rules / RECORDING), str(rules / ALERTING)],
        "scrape_configs": [{"job_name": "slipstream", "static_configs": [{"targets": targets}]}],
    }
    (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        "prometheus",
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={address}",
    ]
    with ExitStack() as stack:
        log = stack.enter_context((directory / "prometheus.log").open("wb"))
        process = stack.enter_context(subprocess.Popen(command, stdout=log, stderr=log))
        stack.callback(process.terminate)
        yield Prometheus(f"http://{address}", len(targets))
