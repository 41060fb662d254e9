"""Collects findings while rules walk through an object."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reporting.definitions.durations import DurationError, parse_duration
from reporting.definitions.findings import FindingSeverity, finding_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting.definitions.durations import Duration
    from reporting.definitions.findings import Finding, Path

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LONGEST_DESCRIPTION = 1_050


class Reporter:
    """Findings of one object, and the checks that many rules share."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def error(self, path: Path, code: str, message: str) -> None:
        self.findings.append(finding_at(path, code, message))

    def warning(self, path: Path, code: str, message: str) -> None:
        self.findings.append(finding_at(path, code, message, severity=FindingSeverity.WARNING))

    def required(self, value: object, path: Path) -> bool:
        """Report what is empty; return whether there is something."""
        if not value:
            self.error(path, "required", "is required")
        return bool(value)

    def one_of(self, value: str, allowed: Sequence[str], path: Path) -> bool:
        if value not in allowed:
            self.error(path, "one_of", f"is one of {', '.join(allowed)}, not {value!r}")
        return value in allowed

    def name(self, value: str, path: Path) -> bool:
        """Report what is not a name as RFC 1123 has it."""
        fits = bool(_DNS_LABEL.fullmatch(value))
        if not fits:
            message = f"{value[:80]!r} is no name: up to 63 of a-z, 0-9 and -, with a letter or number at both ends"
            self.error(path, "string_dns_label", message)
        return fits

    def description(self, value: str, path: Path) -> None:
        if len(value) > _LONGEST_DESCRIPTION:
            self.error(path, "string_max_length", f"has more than {_LONGEST_DESCRIPTION:,} characters")

    def duration(self, value: str, path: Path) -> Duration | None:
        try:
            return parse_duration(value)
        except DurationError as error:
            self.error(path, "duration", str(error))
            return None

    def exclusive(self, given: dict[str, bool], path: Path) -> bool:
        """Report unless exactly one of some fields is there."""
        names = ", ".join(sorted(given))
        present = sum(given.values())
        if present > 1:
            self.error(path, "mutually_exclusive", f"[{names}] exclude each other: give one of them")
        elif not present:
            self.error(path, "mutually_exclusive", f"one of [{names}] is required")
        return present == 1
