"""Five hundred clients that honour `Retry-After`, refused together: by an outage, and by the limit of the account they share."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.cli.chaos.crowd import fairness
from app.cli.chaos.crowd.cores import pinned
from app.cli.chaos.crowd.crowd import Crowd
from app.cli.chaos.crowd.drain import wait_empty
from app.cli.chaos.crowd.fairness import Allowance
from app.cli.chaos.crowd.neighbourhood import create
from app.cli.chaos.crowd.service_store import read_service
from app.cli.chaos.crowd.traffic import Plan, Sender
from app.cli.chaos.crowd.waves import check_return, return_of
from app.platform import Platform, PlatformOptions, Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.cli.chaos.checker import Finding
    from app.cli.chaos.crowd.cores import Cores
    from app.cli.chaos.crowd.traffic import Ask
    from app.cli.chaos.crowd.waves import Return
    from app.cli.chaos.load import Account

CLIENTS, ACCOUNTS = 500, 20
EVENTS = 10
EVERY_S = 10.0
"""Each client sends so often: fifty requests a second in all."""
BEFORE_S, AWAY_S, AFTER_S = 10.0, 10.0, 25.0
SHARED = Allowance(per_minute=12_000, burst=1_000)
"""Twenty requests a second: the last of five hundred may come after 20 s."""
PATIENCE_S = 90.0


@dataclass(frozen=True, slots=True)
class Storm:
    name: str
    seen: Return
    findings: list[Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class StormOptions:
    seed: int
    cores: Cores


def run_outage(directory: Path, options: StormOptions) -> Storm:
    """Valkey is away for a while: everybody is refused, and returns when he was told."""
    with _platform(directory, options) as platform:
        accounts = [create(platform, f"account-{number}") for number in range(ACCOUNTS)]
        senders = [
            _client(accounts[number % ACCOUNTS], number, first_s=EVERY_S * number / CLIENTS)
            for number in range(CLIENTS)
        ]
        (valkey,) = platform.processes(Role.VALKEY)
        back_s = 0.0

        def away(elapsed_s: Callable[[], float]) -> None:
            nonlocal back_s
            time.sleep(BEFORE_S)
            valkey.stop()
            time.sleep(AWAY_S)
            valkey.start()
            valkey.wait_ready()
            back_s = elapsed_s()

        asks = _send(platform, senders, options, seconds=BEFORE_S + AWAY_S + AFTER_S, meanwhile=away)
        seen = return_of(asks, since_s=back_s, ordinary=CLIENTS / EVERY_S)
        return Storm("valkey away for 10 s", seen, [*check_return(seen), *_stored(platform, asks)])


def run_shared_limit(directory: Path, options: StormOptions) -> Storm:
    """All of them send at once, on one account, whose burst is a fifth of that."""
    with _platform(directory, options) as platform:
        overrides = {"events_per_minute": SHARED.per_minute, "events_burst": SHARED.burst}
        account = create(platform, "shared", overrides=overrides)
        senders = [_client(account, number, total=1, first_s=1.0) for number in range(CLIENTS)]
        asks = _send(platform, senders, options, seconds=EVERY_S)
        # The first wave is theirs; from the last first attempt on it is what we have told them.
        since_s = max(ask.sent_s for ask in asks if not ask.attempt) + 0.001
        seen = return_of(asks, since_s=since_s, ordinary=SHARED.per_minute / 60 / EVENTS)
        return Storm("one account's limit", seen, [*check_return(seen), *_stored(platform, asks)])


def _platform(directory: Path, options: StormOptions) -> Platform:
    # What a stranger may do from one address is another promise: these clients are known ones, and share ours.
    settings = {"SLIPSTREAM_STRANGERS_PER_ADDRESS": "0", "SLIPSTREAM_STRANGERS_PER_SECOND": "0"}
    with pinned(options.cores.platform):
        return Platform(directory, PlatformOptions(settings=settings)).start()


def _client(account: Account, number: int, *, first_s: float, total: int | None = None) -> Sender:
    return Sender(
        account_id=account.account_id,
        key=account.key,
        client=str(number),
        every_s=EVERY_S,
        first_s=first_s,
        events=EVENTS,
        returns=True,
        total=total,
    )


def _send(
    platform: Platform,
    senders: list[Sender],
    options: StormOptions,
    *,
    seconds: float,
    meanwhile: Callable[[Callable[[], float]], None] = lambda _elapsed_s: None,
) -> list[Ask]:
    plan = Plan(
        base_url=platform.base_url,
        senders=tuple(senders),
        seconds=seconds,
        cores=options.cores.load,
        seed=str(options.seed),
        patience_s=PATIENCE_S,
    )
    with Crowd(plan) as crowd:
        started = time.monotonic()
        crowd.go()
        meanwhile(lambda: time.monotonic() - started)
        return crowd.asks()


def _stored(platform: Platform, asks: list[Ask]) -> list[Finding]:
    wait_empty(platform.instance.redis_url)
    return fairness.check_stored(asks, read_service(platform.instance.database_url))
