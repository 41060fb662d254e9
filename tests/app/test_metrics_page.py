"""Who gets a worker's metrics, by the address on which it listens."""

from __future__ import annotations

from dataclasses import replace
from email.message import Message
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from app.core.metrics.event_metrics import AdmissionMetrics
from app.core.metrics.exposition import Exposition
from app.core.valkey import Valkey
from app.metrics_page import MetricsPage

if TYPE_CHECKING:
    from pathlib import Path

    from app.core.database import Database
    from app.core.settings import Settings
    from tests.conftest import World

TOKEN = "the-token-of-the-operator"


def make_page(settings: Settings, database: Database, valkey: Valkey, *, host: str = "192.0.2.7") -> MetricsPage:
    registry = CollectorRegistry()
    AdmissionMetrics(registry).accepted(5, tier="free")
    ours = replace(settings, worker_host=host, admin_token=TOKEN)
    return MetricsPage(Exposition(registry, directory=None), ours, database, valkey)


def headers(bearer: str | None = None, **others: str) -> Message:
    made = Message()
    for name, value in others.items():
        made[name.replace("_", "-")] = value
    if bearer is not None:
        made["Authorization"] = f"Bearer {bearer}"
    return made


def test_where_others_reach_it_metrics_are_for_operators(
    settings: Settings, database: Database, valkey: Valkey, world: World
) -> None:
    page = make_page(settings, database, valkey)
    mistaken = world.alice.key[:-1] + ("a" if world.alice.key[-1] != "a" else "b")

    for bearer in (None, "", TOKEN[:-1], mistaken):
        refused = page(headers(bearer))
        assert (refused.status, refused.content_type) == (401, "application/problem+json")
        assert dict(refused.headers) == {"WWW-Authenticate": 'Bearer realm="slipstream"'}
        assert b"slipstream_" not in refused.body
    assert page(headers(world.alice.key)).status == 403
    given = page(headers(TOKEN))
    assert given.status == 200
    assert b"slipstream_events_accepted" in given.body


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_a_loopback_listener_metrics_need_no_key_unless_a_proxy_asks(
    settings: Settings, database: Database, valkey: Valkey, host: str
) -> None:
    page = make_page(settings, database, valkey, host=host)

    assert page(headers()).status == 200
    for name in ("Forwarded", "X_Forwarded_For", "x_real_ip"):
        assert page(headers(**{name: "203.0.113.9"})).status == 401
        assert page(headers(TOKEN, **{name: "203.0.113.9"})).status == 200


def test_without_valkey_the_operator_has_them_and_a_key_is_told_to_come_back(
    settings: Settings, database: Database, world: World, tmp_path: Path
) -> None:
    page = make_page(settings, database, Valkey(f"unix://{tmp_path}/none.sock"))

    refused = page(headers(world.alice.key))
    assert refused.status == 503
    assert "Retry-After" in dict(refused.headers)
    assert page(headers(TOKEN)).status == 200
