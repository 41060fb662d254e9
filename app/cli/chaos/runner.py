"""One fault, once or again and again, under load, on a running platform; then the verdict.

1. Start the clients.
2. Strike at a random moment. Note how long after the mending the first request is answered with 202, and how long until
   everything that was accepted before is stored.
3. After the last strike let the clients finish and the queue drain, and compare what they were told with what is there.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, TypeVar

from app.cli.chaos.checker import Finding, check
from app.cli.chaos.evidence_store import batches_without_outcome, events_in_queue, read_evidence
from app.cli.chaos.history import read_history
from app.cli.chaos.load import Load, LoadOptions
from app.cli.chaos.scene import Scene, StrikeError
from app.core.database import Database
from app.core.errors import DependencyError
from app.core.valkey import Valkey
from app.platform import Platform, PlatformOptions
from app.process import ProcessFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from app.cli.chaos.checker import Evidence
    from app.cli.chaos.history import History
    from app.cli.chaos.load import Account
    from app.cli.chaos.mailbox import Mailbox
    from app.cli.chaos.scene import Fault

T = TypeVar("T")

RECOVERY_S = 30.0
"""The promise: service resumes by itself within this time of the dependency's return."""
LATEST_MS = 7_500
"""The deadline of a request as it ships, and half as much for a machine that has much else to do."""
POLL_S = 0.05
LONGEST_PAUSE_S = 1.5
ACCOUNTS = {"acme": "enterprise", "bolt": "enterprise", "corner": "standard", "dune": "standard"}


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds from the mending to the first 202, and until all that was accepted before it is stored; None is never."""

    to_first_202_s: float | None
    to_drain_s: float | None


@dataclass(slots=True)
class Report:
    """What one fault did. `answers` counts statuses and problems; `directory` has the history, the logs and the data.

    acknowledged: events of a 202; stored, duplicates, dead: what became of them. longest_gap_s: in which no client had a 202.
    """

    name: str
    about: str
    directory: Path
    rounds: list[Round] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    requests: int = 0
    acknowledged: int = 0
    stored: int = 0
    duplicates: int = 0
    dead: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    slowest_ms: int = 0
    longest_gap_s: float = 0.0

    def check_recovery(self, limit_s: float, *, by_itself: bool = False) -> None:
        """Add a finding when service or drain took longer to resume; for machines that have nothing else to do.

        `by_itself`: nothing was to be mended, so that no time without a 202 may be longer either.
        """
        if by_itself and self.longest_gap_s > limit_s:
            self.findings.append(Finding(f"no 202 for more than {limit_s:g} s", 1, (f"{self.longest_gap_s:.1f} s",)))
        for what, times in (
            ("first 202", [one.to_first_202_s for one in self.rounds]),
            ("drain", [one.to_drain_s for one in self.rounds]),
        ):
            late = [time_s for time_s in times if time_s is None or time_s > limit_s]
            if late:
                examples = ("never" if time_s is None else f"{time_s:.1f} s" for time_s in late[:3])
                self.findings.append(Finding(f"{what} later than {limit_s:g} s", len(late), tuple(examples)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """times: strikes. until: monotonic seconds after which no further strike begins.

    patience_s: how long to wait for a recovery before it is called none.
    quiet: is entered while it is judged, when nobody may send.
    """

    times: int
    seed: int
    until: float | None = None
    patience_s: float = 120.0
    load: LoadOptions = field(default_factory=LoadOptions)
    platform: PlatformOptions = field(default_factory=PlatformOptions)
    watch: Callable[[], None] = lambda: None
    quiet: Callable[[], AbstractContextManager[object]] = nullcontext


def start_platform(directory: Path, options: PlatformOptions, settings: Mapping[str, str]) -> Platform:
    """The platform under `directory`, ready, with more settings than `options` has."""
    more = {**options.settings, **settings}
    return Platform(directory / "data", replace(options, settings=more)).start()


@dataclass(frozen=True, slots=True)
class Stage:
    """A running platform with accounts; `mailbox` takes its mail."""

    platform: Platform
    accounts: list[Account]
    directory: Path
    mailbox: Mailbox | None = None


def strike(name: str, fault: Fault, stage: Stage, options: RunOptions) -> Report:
    """Strike `options.times` times under load, then judge; the stage's history must hold all that was ever sent to it."""
    report = Report(name, fault.about, stage.directory)
    random = Random(f"{options.seed} {name}")  # noqa: S311 - a run must be repeatable.
    platform, history = stage.platform, stage.directory / "history"
    load = Load(
        platform.base_url, stage.accounts, directory=history, name=name, seed=options.seed, options=options.load
    )
    watcher = Watcher(platform, patience_s=options.patience_s)
    restarts = platform.supervisor.restarts.total()
    killed = 0
    with load:
        scene = Scene(name, platform, load, random, stage.directory / "markers", stage.accounts, stage.mailbox)
        while len(report.rounds) < options.times and (options.until is None or time.monotonic() < options.until):
            time.sleep(random.uniform(0.1, LONGEST_PAUSE_S))
            try:
                killed += fault.strike(scene)
            except (StrikeError, ProcessFailedError) as error:
                report.findings.append(Finding("strike missed", 1, (str(error),)))
                break
            report.rounds.append(watcher.watch_recovery(load))
            options.watch()
        load.finish(options.patience_s)
    with options.quiet():
        if not watcher.wait_empty():
            report.findings.append(Finding("queue did not drain", 1, (f"in {options.patience_s:g} s",)))
        watcher.close()
        restarts = platform.supervisor.restarts.total() - restarts
        if restarts != killed:
            report.findings.append(
                Finding("deaths that nobody caused", abs(restarts - killed), (f"{restarts} for {killed}",))
            )
        evidence = read_evidence(platform.instance.database_url, platform.instance.redis_url)
        report.findings += check(read_history(history), evidence)
    _tell(report, read_history(history, f"{name}-*"), evidence)
    return report


def _tell(report: Report, history: History, evidence: Evidence) -> None:
    """Fill in what this strike's own clients have seen, and what became of what they were promised."""
    outcomes = [evidence.outcomes[batch_id] for batch_id in history.receipts if batch_id in evidence.outcomes]
    report.requests = history.requests
    report.acknowledged = sum(receipt.accepted for receipt in history.receipts.values())
    report.stored = sum(outcome.stored for outcome in outcomes)
    report.duplicates = sum(outcome.duplicates for outcome in outcomes)
    report.dead = sum(outcome.dead for outcome in outcomes)
    report.answers = history.answers
    report.slowest_ms = history.slowest_ms
    report.longest_gap_s = history.longest_gap_ms / 1_000
    if report.slowest_ms > LATEST_MS:
        report.findings.append(Finding(f"answer later than {LATEST_MS} ms", 1, (f"{report.slowest_ms} ms",)))


class Watcher:
    """Sees from outside, by the stores, how far a platform has come."""

    def __init__(self, platform: Platform, *, patience_s: float) -> None:
        self._patience_s = patience_s
        self._database = Database(platform.instance.database_url, pool_size=1, name="slipstream chaos")
        self._valkey = Valkey(platform.instance.redis_url, timeout_s=5.0)
        self._settled = set[str]()

    def close(self) -> None:
        self._database.close()
        self._valkey.forget()

    def watch_recovery(self, load: Load) -> Round:
        """What was broken is mended now: see how long it takes to show."""
        mended = time.monotonic()
        accepted = set(load.acknowledged_batches())
        self._moment(lambda: load.first_accepted_after(mended) is not None)
        moments = (load.first_accepted_after(mended), self._moment(lambda: self._is_settled(accepted)))
        return Round(*(None if moment is None else moment - mended for moment in moments))

    def wait_empty(self) -> bool:
        """Wait until the queue is empty; whether it became so in time."""
        return (
            self._moment(lambda: self._patient(lambda: not events_in_queue(self._valkey), otherwise=False)) is not None
        )

    def _is_settled(self, accepted: set[str]) -> bool:
        waiting = sorted(accepted - self._settled)
        left = self._patient(lambda: batches_without_outcome(self._database, waiting), waiting)
        self._settled.update(accepted.difference(left))
        return not left

    @staticmethod
    def _patient(look: Callable[[], T], otherwise: T) -> T:
        """A store that was killed a moment ago may still be away."""
        try:
            return look()
        except DependencyError:
            return otherwise

    def _moment(self, condition: Callable[[], bool]) -> float | None:
        """When the condition came to hold; monotonic seconds."""
        deadline = time.monotonic() + self._patience_s
        while not condition():
            if time.monotonic() > deadline:
                return None
            time.sleep(POLL_S)
        return time.monotonic()
