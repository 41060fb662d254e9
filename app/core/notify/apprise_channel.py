"""Everything that Apprise speaks, in a process of its own: 170 plugins by as many authors get no hold on a worker."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec

from app.core.notify.apprise_child import Order, Outcome
from app.core.notify.errors import DeliveryError
from app.core.notify.urgency import Urgency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.http.addresses import Network
    from app.core.notify.notification import Notification
    from app.core.notify.targets import Target

_STARTS_IN_S = 10.0
"""On a busy machine, of which a second is Apprise's own."""
_HANDED_DOWN = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
"""No setting, no secret, and no proxy, which would dial for us."""


class AppriseChannel:
    """Sends notifications through Apprise; raises `DeliveryError`."""

    def __init__(self, allowed: Sequence[Network], *, deadline_s: float) -> None:
        self._allowed = ",".join(map(str, allowed))
        self._deadline_s = deadline_s

    def send(self, target: Target, notification: Notification) -> None:
        link = f"\n\n{notification.link}" if notification.link else ""
        order = Order(
            url=target.address,
            title=notification.title,
            text=notification.text + link,
            urgent=notification.urgency is Urgency.PAGE,
            over=notification.event.endswith((".resolved", ".removed")),
            allowed=self._allowed,
            timeout_s=self._deadline_s,
        )
        outcome = self._run(order, target.label)
        if not outcome.delivered:
            raise DeliveryError(f"{target.label}: {outcome.reason}", refused=outcome.refused)

    def _run(self, order: Order, label: str) -> Outcome:
        environment = {name: os.environ[name] for name in _HANDED_DOWN if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        child = subprocess.Popen(
            [sys.executable, "-m", "app.core.notify.apprise_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
        )
        try:
            said, _ = child.communicate(msgspec.json.encode(order), timeout=_STARTS_IN_S + self._deadline_s)
            return msgspec.json.decode(said, type=Outcome)
        except subprocess.TimeoutExpired:
            raise DeliveryError(f"{label} did not answer in time") from None
        except msgspec.MsgspecError:
            raise DeliveryError(f"{label}: the process that spoke to it died") from None
        finally:
            child.kill()
            child.wait()
