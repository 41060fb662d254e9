"""A dependency that gives no answer takes its time from everybody who asks: so it is asked by one at a time until it does."""

from __future__ import annotations

import threading
import time

from app.core.errors import DependencyUnavailableError

_REST_S = 0.5
"""After a question without an answer nobody asks for so long."""


class Silence:
    """Whether a dependency is silent, as this process knows it. Thread-safe.

    Who gets past `ask` tells what came of it: `broken` for an answer of any kind, a refusal as well, `kept` for none.
    """

    def __init__(self, dependency: str, *, trial_s: float, patience_s: float) -> None:
        """`trial_s` is the longest that one question takes: after it, one who has told nothing is given up.

        A wait shorter than `patience_s` proves nothing: a request may have had little time left.
        """
        self._dependency = dependency
        self._trial_s = trial_s
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._ask_again_at: float | None = None  # Monotonic seconds; None while it answers.

    def ask(self) -> None:
        """Go on and ask, or raise `DependencyUnavailableError` at once because it is silent and somebody else tries."""
        if self._ask_again_at is None:
            return
        with self._lock:
            now = time.monotonic()
            if self._ask_again_at is not None:
                if now < self._ask_again_at:
                    raise DependencyUnavailableError(self._dependency, "gave no answer a moment ago")
                self._ask_again_at = now + self._trial_s

    def broken(self) -> None:
        """Tell that it answered."""
        if self._ask_again_at is not None:
            self._ask_again_at = None

    def kept(self, *, waited_s: float) -> None:
        """Tell that it gave no answer in time."""
        if self._ask_again_at is not None or waited_s >= self._patience_s:
            self._ask_again_at = time.monotonic() + _REST_S
