from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.accounts import forward, instant_of, revision
from app.core.tiers import LARGEST_LIMIT, Limits, Overrides
from app.domain.shards import Lane

FREE = Limits(
    events_per_minute=6_000,
    events_burst=2_000,
    summaries_per_minute=60,
    daily_quota=500_000,
    monthly_quota=10_000_000,
    lane=Lane.LOW,
)


def test_an_account_without_overrides_has_the_limits_of_its_tier() -> None:
    assert Overrides().applied_to(FREE) == FREE


def test_an_override_replaces_one_limit_and_leaves_the_others() -> None:
    overrides = Overrides(events_burst=5_000, lane="high")

    assert overrides.applied_to(FREE) == replace(FREE, events_burst=5_000, lane=Lane.HIGH)


def test_a_quota_of_null_is_no_limit_and_a_quota_left_out_is_the_tiers() -> None:
    overrides = msgspec.json.decode(b'{"daily_quota": null}', type=Overrides)

    assert overrides.applied_to(FREE) == replace(FREE, daily_quota=None)


@pytest.mark.parametrize(
    "body",
    [
        b'{"events_per_minute": 0}',
        b'{"events_per_minute": -1}',
        b'{"events_per_minute": null}',
        b'{"events_per_minute": 1.5}',
        b'{"events_per_minute": "6000"}',
        b'{"daily_quota": %d}' % (LARGEST_LIMIT + 1),
        b'{"lane": "overflow"}',
        b'{"colour": "red"}',
    ],
)
def test_an_override_that_is_no_limit_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=Overrides)


@given(instants=st.lists(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2200, 1, 1)), min_size=2))  # noqa: DTZ001 - hypothesis adds the zone.
def test_a_revision_moves_forward_whatever_the_clocks_say(instants: list[datetime]) -> None:
    updated_at = instants[0].replace(tzinfo=UTC)
    revisions = [revision(updated_at)]
    for now in instants[1:]:
        updated_at = forward(now.replace(tzinfo=UTC), updated_at)
        revisions.append(revision(updated_at))

    assert revisions == sorted(set(revisions))


def test_a_revision_is_exact_to_the_microsecond_and_to_lua() -> None:
    instant = datetime(2255, 1, 1, tzinfo=UTC) + timedelta(microseconds=1)

    assert instant_of(revision(instant)) == instant
    assert float(revision(instant)) != float(revision(instant) - 1)
