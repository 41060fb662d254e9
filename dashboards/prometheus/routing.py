"""Alertmanager's routing: to the notification targets of the policies, the slow alerts silent while a faster one fires."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dashboards.prometheus.alerting import ABSENT_ALERT, BURN_ALERT, DEAD_MANS_SWITCH, PLAIN_ALERT
from dashboards.prometheus.selectors import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dashboards.prometheus.promises import Promise

HEARTBEAT = "dead-mans-switch"
DEFAULT = "slipstream"
"""For alerts that no policy has a target for."""


def routing(promises: Sequence[Promise]) -> dict[str, Any]:
    """Return the content of alertmanager.yml. Its receivers have names alone: what they speak is the operator's."""
    told = [burn.policy for promise in promises for burn in promise.burns]
    told += [plain.policy for promise in promises for plain in promise.plain]
    told += [silence.policy for promise in promises for silence in promise.silences]
    targets = sorted({target.name for policy in told for target in policy.targets})
    pages = sorted(
        {
            target.name
            for promise in promises
            for burn in promise.burns
            if burn.rank == 1
            for target in burn.policy.targets
        }
    )
    return {
        "route": {
            "receiver": DEFAULT,
            "group_by": ["slo", "service"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "4h",
            "routes": [
                {
                    "matchers": [f"alertname = {DEAD_MANS_SWITCH}"],
                    "receiver": HEARTBEAT,
                    "group_wait": "0s",
                    "group_interval": "1m",
                    "repeat_interval": "1m",
                },
                *_absent_routes(pages),
                *(
                    {"matchers": [f"targets =~ {quoted(_one_of_many(name))}"], "receiver": name, "continue": True}
                    for name in targets
                ),
            ],
        },
        "inhibit_rules": list(_inhibitions(promises)),
        "receivers": [{"name": name} for name in dict.fromkeys([DEFAULT, HEARTBEAT, *targets])],
    }


def _absent_routes(pages: Iterable[str]) -> list[dict[str, Any]]:
    """Whoever is paged for an SLO is paged when nobody can tell any more."""
    return [{"matchers": [f"alertname = {ABSENT_ALERT}"], "receiver": name, "continue": True} for name in pages]


def _one_of_many(name: str) -> str:
    return f"(.+,)?{re.escape(name)}(,.+)?"


def _inhibitions(promises: Iterable[Promise]) -> Iterable[dict[str, Any]]:
    """An alert is silent while one of a lower rank fires for the same SLO; Alertmanager compares no numbers."""
    ranks = max((len(promise.burns) for promise in promises), default=0)
    for rank in range(1, ranks):
        slower = "|".join(str(other) for other in range(rank + 1, ranks + 1))
        yield {
            "source_matchers": [f"alertname = {BURN_ALERT}", f'rank = "{rank}"'],
            "target_matchers": [f"alertname = {BURN_ALERT}", f'rank =~ "{slower}"'],
            "equal": ["slo", "service"],
        }
    # Whoever was paged needs no ticket on a figure of the same outage.
    yield {
        "source_matchers": [f"alertname = {BURN_ALERT}", "severity = page"],
        "target_matchers": [f"alertname = {PLAIN_ALERT}", "severity = ticket"],
        "equal": ["slo", "service"],
    }
