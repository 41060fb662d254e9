"""What an examination finds: good, doubtful or bad, with the reason why it matters and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class State(StrEnum):
    """`fail` breaks a promise, `warn` may, under circumstances that the reason names."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


_BADNESS = {state: number for number, state in enumerate(State)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at. `remedy` is empty when nothing needs to be done."""

    subject: str
    name: str
    state: State
    found: str
    reason: str
    remedy: str = ""


def judge(
    *, subject: str, name: str, good: bool, found: object, reason: str, remedy: str, otherwise: State = State.FAIL
) -> Finding:
    """Make a finding that is ok when `good`, and else as bad as `otherwise`, with the remedy."""
    return Finding(
        subject=subject,
        name=name,
        state=State.OK if good else otherwise,
        found=str(found),
        reason=reason,
        remedy="" if good else remedy,
    )


def weakest(examinations: Iterable[list[Finding]]) -> list[Finding]:
    """Return of each thing that was looked at in several places the worst of what was found."""
    worst: dict[tuple[str, str], Finding] = {}
    for finding in chain.from_iterable(examinations):
        known = worst.setdefault((finding.subject, finding.name), finding)
        if _BADNESS[finding.state] > _BADNESS[known.state]:
            worst[finding.subject, finding.name] = finding
    return list(worst.values())


def broken_promises(findings: Iterable[Finding]) -> list[str]:
    """Return a sentence for each finding that breaks a promise."""
    return [
        f"{finding.subject} {finding.name} is {finding.found}. {finding.reason} {finding.remedy}"
        for finding in findings
        if finding.state is State.FAIL
    ]


def has_failed(findings: Iterable[Finding]) -> bool:
    """Tell whether any finding breaks a promise."""
    return any(finding.state is State.FAIL for finding in findings)
