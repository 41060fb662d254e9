"""Passwords, which are hashed so that guessing them costs as much as can be afforded."""

from __future__ import annotations

import threading
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core import deadline
from app.core.errors import OverloadedError

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST = 12
"""NIST SP 800-63B-4 asks for 15 where there is nothing else, and 8 where there is: tries are throttled here."""
LONGEST = 256
_AT_ONCE = 2
_PATIENCE_S = 4.0


class Passwords:
    """Hashes with argon2id as OWASP advises (19 MiB, two passes), two at a time. Raises `OverloadedError` for more."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._nobodys = self._hasher.hash("nobody has this password")
        self._turns = threading.BoundedSemaphore(_AT_ONCE)

    def hash(self, password: str) -> str:
        with self._turn():
            return self._hasher.hash(_normal(password))

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Compare; without a hash it takes as long, and is False: nobody learns who exists."""
        with self._turn():
            try:
                same = self._hasher.verify(password_hash or self._nobodys, _normal(password))
            except (VerificationError, InvalidHashError):
                return False
        return same and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """Tell whether it was hashed more cheaply than is done today."""
        return self._hasher.check_needs_rehash(password_hash)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=deadline.left(_PATIENCE_S)):
            raise OverloadedError("passwords", "others are signing in")
        try:
            yield
        finally:
            self._turns.release()


def _normal(password: str) -> str:
    """Return the same text for the same characters, however a keyboard composes them."""
    return unicodedata.normalize("NFKC", password)
