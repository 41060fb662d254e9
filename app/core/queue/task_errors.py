"""How the run of a task may end without an end of the task."""

from __future__ import annotations


class DependencyAwayError(Exception):
    """A task's dependency is away. The task is still in hand: execute it again, or let it go."""


class SuspectError(Exception):
    """A task killed or hung the process in which it ran."""
