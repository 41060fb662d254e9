"""What is wrong with a definition, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

Path = tuple[str | int, ...]
"""Names of fields and indices of lists, from the document's root."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


class FindingSeverity(StrEnum):
    """`ERROR`: it cannot be applied. `WARNING`: it can, and is probably not what was meant."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake.

    `path` is that of the field in its document (`spec.objectives[0].target`), `code` for programs; where OpenSLO's own
    SDK for Go has a code for the same mistake it is that. `document` names the object (`SLO availability`), or its place
    in the text (`#2`); `line` counts from 1, and is None where there is no line to show. `parts` is the path in parts.
    """

    path: str
    code: str
    message: str
    severity: FindingSeverity = FindingSeverity.ERROR
    document: str = ""
    line: int | None = None
    parts: Path = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        place = " ".join(part for part in (self.document, self.path) if part)
        line = f"line {self.line}: " if self.line is not None else ""
        return f"{line}{place}: {self.message}"


class DefinitionError(ValueError):
    """Definitions that cannot be used, with every finding."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = findings


def written(path: Path) -> str:
    """Write a path as people do: `spec.objectives[0].target`, `metadata.annotations['slipstream/pairs']`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"['{part}']"
    return text


def finding_at(
    path: Path, code: str, message: str, *, severity: FindingSeverity = FindingSeverity.ERROR, line: int | None = None
) -> Finding:
    """Return a finding at a path given in parts."""
    return Finding(written(path), code, message, severity, line=line, parts=path)
