"""Runs the neighbourhood: alone, with a whale far over its limit, and with one that is within its limit but above its share."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from app.cli.chaos.checker import Finding
from app.cli.chaos.crowd import fairness, neighbourhood
from app.cli.chaos.crowd.cores import kept_busy, pinned
from app.cli.chaos.crowd.crowd import Crowd
from app.cli.chaos.crowd.drain import DRAIN_WITHIN_S, wait_empty
from app.cli.chaos.crowd.neighbourhood import BROKEN, NEIGHBOURS, WHALE, Protection
from app.cli.chaos.crowd.pace import check_pace, pace_of
from app.cli.chaos.crowd.service_store import Service, read_service
from app.cli.chaos.crowd.traffic import Plan
from app.core.settings import Settings
from app.platform import Platform, PlatformOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.cli.chaos.crowd.cores import Cores
    from app.cli.chaos.crowd.pace import Pace
    from app.cli.chaos.crowd.traffic import Ask, Sender

WARM_UP_S = 3.0
DEFAULTS = Settings(database_url="", redis_url="")


class Company(StrEnum):
    """In whose company the small ones are."""

    NOBODY = "nobody"
    OVER_ITS_LIMIT = "over-its-limit"
    ABOVE_ITS_SHARE = "above-its-share"


@dataclass(slots=True)
class Run:
    """One run and what was found. `answers` are counted by account of those who are not small."""

    company: Company
    pace: Pace
    asks: Sequence[Ask]
    service: Service
    findings: list[Finding] = field(default_factory=list)

    def answers(self, account_id: str) -> Counter[str]:
        return Counter(ask.answer for ask in self.asks if ask.account_id == account_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisyOptions:
    seconds: float
    seed: int
    cores: Cores
    without: frozenset[Protection] = frozenset()


def run_company(company: Company, directory: Path, options: NoisyOptions) -> Run:
    """Run one company on a platform of its own under `directory`, and check all but times."""
    settings = neighbourhood.NEVER_OPENS if Protection.CIRCUIT_BREAKER in options.without else {}
    with (
        kept_busy(options.cores.load),
        pinned(options.cores.platform),
        Platform(directory, PlatformOptions(settings=settings)).start() as platform,
    ):
        allowance = neighbourhood.LARGE if company is Company.ABOVE_ITS_SHARE else neighbourhood.SMALL
        people = neighbourhood.settle(platform, allowance, without=options.without)
        quiet = neighbourhood.small_senders(people)
        _send(platform, [quiet], options, seconds=WARM_UP_S, seed="warm-up")
        loud = _nuisance(company, people)
        asks = _send(platform, [quiet, loud], options, seconds=options.seconds, seed=company)
        drained = wait_empty(platform.instance.redis_url)
        service = read_service(platform.instance.database_url)
    run = Run(company, pace_of(asks, service, NEIGHBOURS), asks, service)
    if not drained:
        run.findings.append(Finding("queue did not drain", 1, (f"in {DRAIN_WITHIN_S:g} s",)))
    run.findings += fairness.check_stored(asks, service)
    run.findings += fairness.check_not_refused(asks, NEIGHBOURS)
    if company is not Company.NOBODY:
        run.findings += fairness.check_circuit(asks, BROKEN, read_at_most=_read_at_most(options.seconds))
        run.findings += fairness.check_rate(asks, WHALE, allowance)
    if company is Company.ABOVE_ITS_SHARE:
        run.findings += fairness.check_queueing(
            fairness.queueing(service, WHALE, NEIGHBOURS), at_most=2 * DEFAULTS.bundle_max_events
        )
    return run


def together(before: Run, after: Run) -> Run:
    """Return two quiet runs as one: a machine that has other work is not as fast at the end as it was at the beginning."""
    asks = [*before.asks, *after.asks]
    service = Service({**before.service.batches, **after.service.batches}, {})
    pace = pace_of(asks, service, NEIGHBOURS)
    return Run(Company.NOBODY, pace, asks, service, [*before.findings, *after.findings])


def compare(quiet: Run, loud: Run) -> None:
    """Add to the loud run's findings what was slower than promised."""
    loud.findings += check_pace(quiet.pace, loud.pace)


def _nuisance(company: Company, people: neighbourhood.Neighbourhood) -> list[Sender]:
    if company is Company.NOBODY:
        return []
    over = company is Company.OVER_ITS_LIMIT
    whale = neighbourhood.whale_over_its_limit if over else neighbourhood.whale_above_its_share
    return [whale(people.whale), neighbourhood.broken_sender(people.broken)]


def _read_at_most(seconds: float) -> int:
    """Until the circuit opens; then one probe each time it has been open; and what several connections had under way."""
    return int(DEFAULTS.circuit_minimum + seconds / DEFAULTS.circuit_open_s + 5)


def _send(
    platform: Platform, groups: Sequence[Sequence[Sender]], options: NoisyOptions, *, seconds: float, seed: str
) -> list[Ask]:
    """Let each group send from a process of its own, all on the core of the load."""
    with ExitStack() as stack:
        crowds = [
            stack.enter_context(
                Crowd(
                    Plan(
                        base_url=platform.base_url,
                        senders=tuple(senders),
                        seconds=seconds,
                        cores=options.cores.load,
                        seed=f"{options.seed} {seed}",
                    )
                )
            )
            for senders in groups
            if senders
        ]
        for crowd in crowds:
            crowd.go()
        return [ask for crowd in crowds for ask in crowd.asks()]
