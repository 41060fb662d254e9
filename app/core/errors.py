"""What goes wrong between us and what we depend on, in words the edges can answer with."""

from __future__ import annotations


class DependencyError(Exception):
    """A dependency did not do its part; the request may be repeated, nothing is known to be broken in it."""

    def __init__(self, dependency: str, detail: str) -> None:
        super().__init__(f"{dependency}: {detail}")
        self.dependency = dependency
        self.detail = detail


class DependencyUnavailableError(DependencyError):
    """It cannot be reached, or refuses work: answer 503."""


class OverloadedError(DependencyUnavailableError):
    """It may be well, but too many of our own requests are at it or wait for it: answer 503, at once."""


class DependencyTimeoutError(DependencyError):
    """It did not answer in time, so the outcome is unknown: answer 504, safe to repeat."""
