"""Two people who write down one incident: neither undoes what the other has written.

A form says of each field what it was when it was shown, by a digest. What somebody has left as it was stays as it is by now;
what he has changed, and somebody else as well, is refused, with what it is now.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from app.core.problems import FieldError, Problem, ProblemType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reporting.alerts.incident import Incident

WRITTEN = ("title", "root_cause", "actions")
"""The fields that people write."""
_LONGEST = 500
_MOVED = "Somebody else has changed this incident since you looked at it."


class IncidentMovedError(Problem):
    """Somebody else has changed what is to be written; `errors` name the fields, and say what is in them by now."""

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__(ProblemType.CONFLICT, _MOVED, errors)


def seen_of(incident: Incident) -> dict[str, str]:
    """Return what stands for each field as it is."""
    return {name: _digest(getattr(incident, name)) for name in WRITTEN}


def merged(incident: Incident, given: Mapping[str, Any], seen: Mapping[str, str]) -> dict[str, Any]:
    """Return what is to be changed of an incident, of what is `given` by somebody who has `seen` fields as they were.

    Raises `IncidentMovedError`.
    """
    current = seen_of(incident)
    changed = {name: value for name, value in given.items() if name not in seen or _digest(value) != seen[name]}
    moved = [name for name in changed if name in seen and current.get(name) != seen[name]]
    if moved:
        raise IncidentMovedError(tuple(FieldError(_now(getattr(incident, name)), field=name) for name in moved))
    return changed


def _digest(value: Any) -> str:
    return sha256(msgspec.json.encode(value)).hexdigest()


def _now(value: Any) -> str:
    """Say what is in a field by now."""
    text = value if isinstance(value, str) else "; ".join(action.text for action in value)
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return f"It says now: \u201c{shown}\u201d" if text else "It is empty now."
