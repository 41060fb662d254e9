"""A real Alertmanager, Debian's."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.core.notify.alertmanager import Alertmanager
from app.core.notify.errors import DeliveryError
from app.core.notify.notification import PostedAlert
from app.core.notify.targets import Channel, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.core.notify.outgoing import Outgoing
    from tests.core.notify.receivers import Receiver

pytestmark = pytest.mark.tools

LISTENING = re.compile(r'"?Listening on"? address=127\.0\.0\.1:(\d+)')
CONFIGURATION = """
route: {{receiver: hook, group_wait: 100ms, group_interval: 1s, group_by: [alertname]}}
receivers:
  - name: hook
    webhook_configs: [{{url: "{hook}", send_resolved: true}}]
"""


@dataclass(frozen=True)
class Running:
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def alerts(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v2/alerts", timeout=5) as answer:
            return json.load(answer)

    @property
    def is_ready(self) -> bool:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5).status == 200
        except urllib.error.URLError:
            return False


@pytest.fixture
def running(receiver: Receiver, tmp_path: Path, eventually: Callable[..., Any]) -> Iterator[Running]:
    (tmp_path / "alertmanager.yml").write_text(CONFIGURATION.format(hook=receiver.url))
    log = tmp_path / "log"
    argv = [
        "/usr/bin/prometheus-alertmanager",
        f"--config.file={tmp_path}/alertmanager.yml",
        f"--storage.path={tmp_path}/data",
        "--web.listen-address=127.0.0.1:0",
        "--cluster.listen-address=",
    ]
    with log.open("wb") as stderr:
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=stderr)
    try:
        eventually(lambda: LISTENING.search(log.read_text()))
        found = LISTENING.search(log.read_text())
        alertmanager = Running(int(found[1]) if found else 0)
        eventually(lambda: alertmanager.is_ready)
        yield alertmanager
    finally:
        process.terminate()
        process.wait(timeout=10)


def test_an_alert_fires_and_ends_in_alertmanager_as_it_does_here(
    running: Running, receiver: Receiver, outgoing: Outgoing, eventually: Callable[..., Any]
) -> None:
    now = datetime.now(UTC)
    target = Target(Channel.ALERTMANAGER, f"{running.url}/")
    began = now - timedelta(minutes=5)
    labels = {"alertname": "availability", "severity": "page", "service": "checkout"}
    firing = PostedAlert(labels=labels, annotations={"summary": "burns", "link": "http://x/"}, starts_at=began)

    for _ in range(2):  # The same alert, however often it is told.
        Alertmanager(outgoing).post(target, [firing], now)

    (alert,) = running.alerts()
    assert alert["labels"] == labels
    assert alert["status"]["state"] == "active"
    assert alert["generatorURL"] == "http://x/"
    assert datetime.fromisoformat(alert["startsAt"]) == began.replace(microsecond=began.microsecond // 1000 * 1000)
    assert datetime.fromisoformat(alert["endsAt"]) > now + timedelta(hours=23)
    eventually(lambda: len(receiver.received) == 1)
    assert json.loads(receiver.received[0].body)["status"] == "firing"

    over = PostedAlert(labels=labels, annotations={}, starts_at=began, ends_at=now)
    Alertmanager(outgoing).post(target, [over], now)

    eventually(lambda: len(receiver.received) == 2)
    assert json.loads(receiver.received[1].body)["status"] == "resolved"
    assert running.alerts() == []


def test_an_alert_that_alertmanager_does_not_take_is_a_failure(running: Running, outgoing: Outgoing) -> None:
    nameless = PostedAlert(labels={}, annotations={}, starts_at=datetime.now(UTC))

    with pytest.raises(DeliveryError, match="answered 400"):
        Alertmanager(outgoing).post(Target(Channel.ALERTMANAGER, running.url), [nameless], datetime.now(UTC))
