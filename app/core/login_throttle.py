"""How often a password may be guessed: counted for a name from an address, for an address, and for a name.

The first is the low one. The name's own is high, and a refused try is not counted, so that nobody is kept out by whoever
knows what he is called.
"""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from app.core import keyspace
from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.valkey import Valkey

WINDOW_S = 900
MOST_OF_NAME_FROM_ADDRESS = 10
MOST_FROM_ADDRESS = 50
MOST_OF_NAME = 200


class LoginThrottle:
    """Thread-safe. Raises `DependencyError` when Valkey is away: then nobody can sign in, and nobody can guess."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._script = valkey.script(files("app.core").joinpath("login_throttle.lua").read_text())

    def enter(self, name: str, address: str | None) -> None:
        """Count a try; raises `Problem` (rate-limit-exceeded). Of an address that is not known only the name is counted."""
        counters = [(_name(name), MOST_OF_NAME)]
        if address is not None:
            of_address = keyspace.login_tries("address", _digest(address))
            counters = [(of_address, MOST_FROM_ADDRESS), (_pair(name, address), MOST_OF_NAME_FROM_ADDRESS), *counters]
        self._count(counters)

    def elsewhere(self, step: str, address: str | None) -> None:
        """Count a step of signing in elsewhere, where nobody has a name yet; raises `Problem` (rate-limit-exceeded).

        It is counted by its address, and those of which none is known together.
        """
        most = MOST_OF_NAME if address is None else MOST_FROM_ADDRESS
        self._count([(keyspace.login_tries("elsewhere", _digest(f"{step} {address or ''}")), most)])

    def succeeded(self, name: str, address: str | None) -> None:
        """Forget the tries of whoever has signed in."""
        if address is not None:
            self._valkey.execute("DEL", _pair(name, address))

    def _count(self, counters: Sequence[tuple[str, int]]) -> None:
        wait_ms = self._script([key for key, _ in counters], [WINDOW_S * 1_000, *(most for _, most in counters)])
        if wait_ms:
            detail = "Too many tries to sign in. Wait a little."
            raise Problem(ProblemType.RATE_LIMIT_EXCEEDED, detail, limit="sign_in", retry_after=wait_ms / 1_000)


def _pair(name: str, address: str) -> str:
    return keyspace.login_tries("both", _digest(f"{address} {name}"))


def _name(name: str) -> str:
    return keyspace.login_tries("name", _digest(name))


def _digest(text: str) -> str:
    """Return what stands for a text in the name of a key: it may be long, and somebody's password by mistake."""
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
