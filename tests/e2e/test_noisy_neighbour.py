"""Small accounts next to a whale and a broken client: outcomes and the order of service, by counts. `slipstream chaos
noisy-neighbour` looks at times too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.cli.chaos.crowd import fairness, neighbourhood
from app.cli.chaos.crowd.cores import two_cores
from app.cli.chaos.crowd.crowd import Crowd
from app.cli.chaos.crowd.drain import wait_empty
from app.cli.chaos.crowd.neighbourhood import BROKEN, CLOSE, LARGE, NEIGHBOURS, SMALL, WHALE, Protection
from app.cli.chaos.crowd.service_store import read_service
from app.cli.chaos.crowd.traffic import Plan, Sender
from app.platform import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.cli.chaos.checker import Finding
    from app.cli.chaos.crowd.traffic import Ask
    from app.cli.chaos.runner import Stage
    from app.platform import Platform


BUNDLE = 1_000
SETTINGS = {
    "SLIPSTREAM_BUNDLE_MAX_EVENTS": str(BUNDLE),
    # Nothing here may depend on how busy the machine is.
    "SLIPSTREAM_REQUEST_DEADLINE_MS": "60000",
    "SLIPSTREAM_VALKEY_TIMEOUT_MS": "30000",
}
READ_AT_MOST = 25
"""20 until the circuit opens, and those of another connection that were under way."""
whole = pytest.mark.parametrize("changed", [SETTINGS], indirect=True)


def send(platform: Platform, senders: Sequence[Sender], *, seconds: float) -> list[Ask]:
    cores = two_cores()
    plan = Plan(
        base_url=platform.base_url,
        senders=tuple(senders),
        seconds=seconds,
        cores=cores.load | cores.platform,
        seed="test",
    )
    with Crowd(plan) as crowd:
        crowd.go()
        return crowd.asks()


def flooded(stage: Stage, *without: Protection) -> list[Finding]:
    """What is found when a whale sends fifty times its limit and a client sends garbage."""
    platform = stage.platform
    people = neighbourhood.settle(platform, SMALL, without=without)
    nuisance = [neighbourhood.whale_over_its_limit(people.whale), neighbourhood.broken_sender(people.broken)]

    asks = send(platform, [*neighbourhood.small_senders(people), *nuisance], seconds=3.0)

    assert wait_empty(platform.instance.redis_url)
    return [
        *fairness.check_not_refused(asks, NEIGHBOURS),
        *fairness.check_rate(asks, WHALE, SMALL),
        *fairness.check_circuit(asks, BROKEN, read_at_most=READ_AT_MOST),
        *fairness.check_stored(asks, read_service(platform.instance.database_url)),
    ]


def queued(stage: Stage, *without: Protection) -> list[Finding]:
    """What is found when small accounts send behind ten bundles of a whale that is within its limit."""
    platform = stage.platform
    people = neighbourhood.settle(platform, LARGE, without=without)
    close = [account for account in people.neighbours if account.account_id in CLOSE]
    whale = Sender(account_id=WHALE, key=people.whale.key, every_s=0, events=500, total=20, connections=4)
    small = [Sender(account_id=one.account_id, key=one.key, every_s=0, events=10, total=5) for one in close]
    workers = platform.processes(Role.WORKER)

    for worker in workers:
        worker.stop()
    asks = [*send(platform, [whale], seconds=60.0), *send(platform, small, seconds=60.0)]
    for worker in workers:
        worker.start()

    assert wait_empty(platform.instance.redis_url)
    service = read_service(platform.instance.database_url)
    return [
        *fairness.check_not_refused(asks, {WHALE, *CLOSE}),
        *fairness.check_queueing(fairness.queueing(service, WHALE, CLOSE), at_most=3 * BUNDLE),
    ]


@whole
def test_small_accounts_do_not_notice_a_whale_over_its_limit_and_a_client_that_sends_garbage(changed: Stage) -> None:
    assert flooded(changed) == []


@whole
def test_small_accounts_are_served_before_the_backlog_of_a_whale_on_their_shard_and_lane(changed: Stage) -> None:
    assert queued(changed) == []


@whole
def test_without_the_rate_limit_the_whale_is_seen_to_get_too_much(changed: Stage) -> None:
    assert fairness.WHALE_OVER_LIMIT in [finding.rule for finding in flooded(changed, Protection.RATE_LIMIT)]


@whole
def test_without_fair_shares_the_wait_behind_a_whale_is_seen(changed: Stage) -> None:
    assert [finding.rule for finding in queued(changed, Protection.FAIR_SHARE)] == [fairness.NEIGHBOUR_WAITED]


@pytest.mark.parametrize("changed", [SETTINGS | neighbourhood.NEVER_OPENS], indirect=True)
def test_without_the_circuit_breaker_the_garbage_is_seen_to_be_read(changed: Stage) -> None:
    assert [finding.rule for finding in flooded(changed)] == [fairness.GARBAGE_READ]
