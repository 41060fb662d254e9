"""Rounds of faults: a new platform for each round, all faults in an order drawn from the seed, everything written down.

What ends processes comes first in a round, so that afterwards each lives long enough to show whether it needs more and
more. A strike that was red ends its platform, whose directory is kept; the round goes on with a new one.
"""

from __future__ import annotations

import shutil
import time
import traceback
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from app.cli.chaos.alarm import ACCOUNT, Alarm
from app.cli.chaos.catalogue import FAULTS, failpoints_armed
from app.cli.chaos.checker import Finding
from app.cli.chaos.chronicle import AlarmLine, LifeLine, MissingLine, StrikeLine
from app.cli.chaos.disk_faults import small_disk
from app.cli.chaos.load import Account, LoadOptions
from app.cli.chaos.mailbox import Mailbox
from app.cli.chaos.receiver import Receiver
from app.cli.chaos.results import FLAT
from app.cli.chaos.runner import ACCOUNTS, RECOVERY_S, RunOptions, Stage, start_platform, strike
from app.cli.chaos.scene import insist
from app.cli.chaos.vitals import Vitals
from app.client import UnexpectedAnswerError
from app.platform import PlatformOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from app.cli.chaos.chronicle import Chronicle
    from app.cli.chaos.runner import Report
    from app.platform import Platform

LOAD = LoadOptions(pause_s=0.15)
"""Lighter than what a machine can take: what a round has sent is compared anew after each of its strikes."""

THERE_ALREADY = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundsOptions:
    """rounds: how many, None until the time is over. until: monotonic seconds after which no further strike begins.

    patience_s: how long to wait for a recovery before it is called none. platform: settings of its own. keep: the directories of green rounds too. watch: is told the name of each strike.
    """

    names: Sequence[str]
    seed: int
    rounds: int | None
    until: float | None = None
    keep: bool = False
    patience_s: float = 90.0
    platform: PlatformOptions = field(default_factory=PlatformOptions)
    watch: Callable[[str], None] = lambda _name: None

    @property
    def over(self) -> bool:
        return self.until is not None and time.monotonic() > self.until


class Rounds:
    """Runs the rounds under `base`; what happens is in the chronicle."""

    def __init__(self, base: Path, options: RoundsOptions, chronicle: Chronicle) -> None:
        self._base = base
        self._options = options
        self._chronicle = chronicle
        self._platforms = 0

    def run(self) -> None:
        options, number = self._options, 0
        here = []
        for name in options.names:
            missing = FAULTS[name].missing()
            if missing is None:
                here.append(name)
            else:
                self._chronicle.add(MissingLine(fault=name, reason=missing))
        while here and number != options.rounds and not options.over:
            number += 1
            waiting: Sequence[str] = order_of(here, f"{options.seed} {number}")
            while waiting and not options.over:
                waiting = self._on_a_platform(waiting, number)

    def _on_a_platform(self, names: Sequence[str], number: int) -> Sequence[str]:
        """Strike until all is done, something is red, or a fault needs another platform; return what is left."""
        self._platforms += 1
        directory = self._base / f"platform-{self._platforms}"
        directory.mkdir(mode=0o755)
        red = True
        left = list(names)
        try:
            red = self._strike_all(left, directory, number)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is written down, and the other faults go on)
            (directory / "harness.txt").write_text(traceback.format_exc())
            self._chronicle.add(_broken(left.pop(0) if left else "", number, directory, error))
        if not red and not self._options.keep:
            shutil.rmtree(directory)
        return left

    def _strike_all(self, left: list[str], directory: Path, number: int) -> bool:
        """Strike and take names from `left`; whether something was red."""
        small = FAULTS[left[0]].small_disk
        with ExitStack() as stack:
            disk = directory
            if small:
                disk = directory / "disk"
                stack.enter_context(small_disk(disk))
            stage, alarm = self._stage(stack, directory, disk, number)
            vitals = Vitals()
            while left and not self._options.over and FAULTS[left[0]].small_disk == small:
                name = left[0]
                report = self._strike(name, stage, number, alarm)
                if small and report.findings:
                    shutil.copytree(disk / "data", directory / "data", ignore=shutil.ignore_patterns("ballast", "run"))
                left.pop(0)
                vitals.note(stage.platform)
                self._chronicle.add(StrikeLine.of(name, number, report))
                if report.findings:
                    self._judge_lives(vitals, number, directory)
                    return True
                if small:  # Too short for an alert's end, and for lives.
                    return False
            return self._end(alarm, vitals, number, directory)

    def _stage(self, stack: ExitStack, directory: Path, disk: Path, number: int) -> tuple[Stage, Alarm]:
        markers = directory / "markers"
        markers.mkdir()
        receiver = stack.enter_context(Receiver(directory / "told.ndjson"))
        mailbox = stack.enter_context(Mailbox())
        armed = {"SLIPSTREAM_FAILPOINTS": failpoints_armed(markers)}
        settings = {**armed, **receiver.settings, **mailbox.settings}
        platform = stack.enter_context(start_platform(disk, self._options.platform, settings))
        accounts = [_account(platform, name, tier) for name, tier in ACCOUNTS.items()]
        alarmed = _account(platform, ACCOUNT, "standard")
        stage = Stage(platform, accounts, directory, mailbox)
        seed = f"{self._options.seed} {number}"
        return stage, stack.enter_context(Alarm(platform, alarmed, receiver, directory / "history", seed))

    def _strike(self, name: str, stage: Stage, number: int, alarm: Alarm) -> Report:
        self._options.watch(name)
        options = RunOptions(
            times=1,
            seed=self._options.seed,
            patience_s=self._options.patience_s,
            load=LOAD,
            platform=self._options.platform,
            quiet=alarm.quiet,
        )
        report = strike(f"{name}.{number}", FAULTS[name].fault, stage, options)
        report.check_recovery(RECOVERY_S, by_itself=FAULTS[name].heals)
        return report

    def _end(self, alarm: Alarm, vitals: Vitals, number: int, directory: Path) -> bool:
        """Wait for the last alert's end, and judge what is judged over the whole round; whether something was red."""
        told = alarm.finish()
        for each in told:
            self._chronicle.add(AlarmLine.of(each, number, directory))
        return self._judge_lives(vitals, number, directory) or any(each.findings for each in told)

    def _judge_lives(self, vitals: Vitals, number: int, directory: Path) -> bool:
        for life, values, risen in vitals.lives():
            self._chronicle.add(LifeLine.of(life, values, risen, number))
        findings = vitals.findings()
        if findings:
            self._chronicle.add(StrikeLine.of_findings(FLAT, number, directory, findings))
        return bool(findings)


def _account(platform: Platform, account_id: str, tier: str) -> Account:
    """Create an account, also when the first answer to it never came."""

    def create() -> str:
        try:
            return platform.create_account(account_id, tier=tier)
        except UnexpectedAnswerError as error:
            if error.answer.status != THERE_ALREADY:
                raise
            return platform.create_key(account_id)

    return Account(account_id, insist(create))


def order_of(names: Sequence[str], seed: str) -> list[str]:
    """What ends processes first, then the rest, each drawn from the seed; last what needs another platform."""
    drawn = list(names)
    Random(seed).shuffle(drawn)  # noqa: S311 - a run must be repeatable.
    return sorted(drawn, key=lambda name: (FAULTS[name].small_disk, not FAULTS[name].kills))


def _broken(name: str, number: int, directory: Path, error: Exception) -> StrikeLine:
    finding = Finding("the run itself failed", 1, (f"{type(error).__name__}: {error}",))
    return StrikeLine.of_findings(name, number, directory, [finding])
