from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from app.core.bulkhead import Bulkhead
from app.core.errors import OverloadedError
from app.core.metrics.pool_metrics import PoolMetrics


def test_pools_say_who_uses_them_and_whom_they_refused() -> None:
    registry = CollectorRegistry()
    small, large = (Bulkhead(name, places=places, patience_s=0) for name, places in (("small", 3), ("large", 1)))
    metrics = PoolMetrics(registry, {"summaries": small, "large summaries": large})

    def value(name: str, pool: str) -> float | None:
        return registry.get_sample_value(f"slipstream_pool_{name}", {"pool": pool})

    with small.place(), small.place(), large.place():
        with pytest.raises(OverloadedError), large.place():
            pass
        metrics.observe()

    assert [value("connections", pool) for pool in ("summaries", "large summaries")] == [3, 1]
    assert [value("connections_used", pool) for pool in ("summaries", "large summaries")] == [2, 1]
    assert [value("refusals_total", pool) for pool in ("summaries", "large summaries")] == [0, 1]
    assert [value("waits_total", pool) for pool in ("summaries", "large summaries")] == [0, 1]

    metrics.observe()

    assert value("connections_used", "summaries") == 0
    assert value("refusals_total", "large summaries") == 1, "what was counted is not counted again"
