"""Gives a platform three times what it can do, and then half of it.

1. Age: a few connections that send as fast as they are answered. An empty table takes events faster than any that has some.
2. Measure: the same again, and how much is stored meanwhile.
3. Overload: three times that, by the clock and not by the answers, a third of it in each tier.
4. Ease: half of it. Refusals must end, and the queue must drain.
5. Measure again: the table has grown meanwhile, and what goes into a larger one is slower for everybody.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

from app.cli.chaos.checker import Finding
from app.cli.chaos.crowd import bearing, fairness
from app.cli.chaos.crowd.bearing import TIERS, Borne, Rate
from app.cli.chaos.crowd.cores import Meter, kept_busy, pinned
from app.cli.chaos.crowd.crowd import Crowd
from app.cli.chaos.crowd.drain import DRAIN_WITHIN_S, wait_empty
from app.cli.chaos.crowd.neighbourhood import UNLIMITED, create
from app.cli.chaos.crowd.service_store import read_service
from app.cli.chaos.crowd.traffic import Plan, Sender
from app.core.errors import DependencyError
from app.core.queue.keys import LOAD_FIELDS, load
from app.core.valkey import Valkey
from app.domain.shards import SHARDS
from app.platform import Platform, PlatformOptions, Role
from app.proc import tree_cpu_us

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from app.cli.chaos.crowd.cores import Cores
    from app.cli.chaos.crowd.traffic import Ask
    from app.cli.chaos.load import Account

ROOM_BYTES = 40_000_000
"""What may wait: some seconds of load, so that it is full long before the minute is over."""
ACCOUNTS = 12
CONNECTIONS, PEAK_CONNECTIONS = 32, 1
"""Of each account. With eight, the time that the answers took held the load at 2.3 times the peak."""
AGING_S, PEAK_S = 90.0, 35.0
"""Long enough for a round of autovacuum: what cannot be kept up is no capacity. In the first 12 s there was none."""
TIMES_OVER, EASED_TO = 3.0, 0.5
SETTLING_S = 5.0
"""Until the queue is full: what is stored before says nothing of an overload."""
SETTINGS = {"SLIPSTREAM_QUEUE_MAX_BYTES": str(ROOM_BYTES)}
_LOOK_EVERY_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class OverloadOptions:
    seconds: float
    ease_s: float
    batch: int
    seed: int
    cores: Cores


@dataclass(frozen=True, slots=True)
class Overloaded:
    """What came of it. `fullest` is the share of the queue that was full, for each look."""

    borne: Borne
    fullest: list[float]
    findings: list[Finding]


def run_overload(directory: Path, options: OverloadOptions) -> Overloaded:
    """Run all three on a platform under `directory`."""
    with (
        kept_busy(options.cores.load),
        pinned(options.cores.platform),
        Platform(directory, PlatformOptions(settings=SETTINGS)).start() as platform,
    ):
        tiers = dict(zip((f"account-{number}" for number in range(ACCOUNTS)), cycle(TIERS), strict=False))
        overrides = {"events_per_minute": UNLIMITED.per_minute, "events_burst": UNLIMITED.burst, "daily_quota": None}
        accounts = [
            create(platform, name, tier=tier, shard=number % SHARDS, overrides={**overrides, "monthly_quota": None})
            for number, (name, tier) in enumerate(tiers.items())
        ]
        stage = _Stage(platform, accounts, options)
        stage.press(seconds=AGING_S, name="aging")
        wait_empty(platform.instance.redis_url)
        peak = _measure_peak(stage, "before")
        with _looking(platform.instance.redis_url) as fullest:
            meter = stage.meter()
            over = stage.offer(TIMES_OVER * peak.per_s, seconds=options.seconds, name="over")
            share = meter.share()
            eased = stage.offer(EASED_TO * peak.per_s, seconds=options.ease_s, name="eased")
            drained = wait_empty(platform.instance.redis_url)
        peak_after = _measure_peak(stage, "after")
        service = read_service(platform.instance.database_url)
    p50, p99 = bearing.refusal_times_ms(over)
    borne = Borne(
        peak=peak,
        peak_after=peak_after,
        offered_per_s=sum(ask.events for ask in over) / max(ask.sent_s for ask in over),
        stored=Rate(bearing.stored_per_s(over, service, settling_s=SETTLING_S), share),
        refused=bearing.refused_shares(over, tiers),
        refusal_p50_ms=p50,
        refusal_p99_ms=p99,
        depth=max(fullest),
        calm_after_s=bearing.last_refusal_s(eased),
    )
    asks = [*over, *eased]
    findings = [*bearing.check_borne(borne), *bearing.check_answers(asks), *fairness.check_stored(asks, service)]
    if not drained:
        findings.append(Finding("queue did not drain", 1, (f"in {DRAIN_WITHIN_S:g} s",)))
    return Overloaded(borne, fullest, findings)


def _measure_peak(stage: _Stage, when: str) -> Rate:
    """Return the events a second that are stored while everybody sends as fast as he is answered."""
    meter = stage.meter()
    asks = stage.press(seconds=PEAK_S, name=f"peak {when}")
    share = meter.share()
    wait_empty(stage.platform.instance.redis_url)
    service = read_service(stage.platform.instance.database_url)
    return Rate(bearing.stored_per_s(asks, service, settling_s=SETTLING_S), share)


@dataclass(frozen=True, slots=True)
class _Stage:
    """A platform, the accounts that send to it, and what the command was told."""

    platform: Platform
    accounts: Sequence[Account]
    options: OverloadOptions

    def meter(self) -> Meter:
        """Begin to measure what the machine's other work takes of the platform's core."""
        processes = [process for role in Role for process in self.platform.processes(role)]
        return Meter(self.options.cores.platform, lambda: sum(tree_cpu_us(process.pid or 0) for process in processes))

    def press(self, *, seconds: float, name: str) -> list[Ask]:
        """Let each account send the next batch as soon as its last is answered."""
        return self.send(every_s=0.0, seconds=seconds, connections=PEAK_CONNECTIONS, name=name)

    def offer(self, per_s: float, *, seconds: float, name: str) -> list[Ask]:
        """Offer so many events a second, each account as many."""
        every_s = self.options.batch * len(self.accounts) / per_s
        return self.send(every_s=every_s, seconds=seconds, connections=CONNECTIONS, name=name)

    def send(self, *, every_s: float, seconds: float, connections: int, name: str) -> list[Ask]:
        """Let each account send a batch so often."""
        senders = tuple(
            Sender(
                account_id=account.account_id,
                key=account.key,
                every_s=every_s,
                # Not all of them at the same moment.
                first_s=every_s * number / len(self.accounts),
                events=self.options.batch,
                connections=connections,
            )
            for number, account in enumerate(self.accounts)
        )
        options = self.options
        plan = Plan(
            base_url=self.platform.base_url,
            senders=senders,
            seconds=seconds,
            cores=options.cores.load,
            seed=f"{options.seed} {name}",
        )
        with Crowd(plan) as crowd:
            crowd.go()
            return crowd.asks()


@contextmanager
def _looking(redis_url: str) -> Iterator[list[float]]:
    """Look at the queue again and again: which share of its room is full."""
    seen: list[float] = []
    stopping = threading.Event()
    commands = [("HGET", load(shard), LOAD_FIELDS[1]) for shard in range(SHARDS)]

    def look() -> None:
        valkey = Valkey(redis_url, timeout_s=5.0)
        while not stopping.wait(_LOOK_EVERY_S):
            try:
                sizes: list[Any] = valkey.pipeline(commands)
            except DependencyError:
                continue
            seen.append(sum(int(size or 0) for size in sizes) / ROOM_BYTES)
        valkey.forget()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stopping.set()
        thread.join()
