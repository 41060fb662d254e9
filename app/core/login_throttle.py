"""How often a password may be guessed: counted for a name from an address, for an address, and for a name.

The first is the low one. The name's own is high, and a refused try is not counted, so that nobody is kept out by whoever
knows what he is called. A try that was right is taken back: any number of people may sign in from one address.
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
MOST_DEPARTURES = 10_000
"""To sign in elsewhere, from one address. One costs us a page without a body, so this is no guard of guesses: it keeps one address
from having a process compute cookies, and ask an issuer that is away, for ever. It is far above what people need."""


class LoginThrottle:
    """Thread-safe. Raises `DependencyError` when Valkey is away: then nobody can sign in, and nobody can guess."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        scripts = files("app.core")
        self._script = valkey.script(scripts.joinpath("login_throttle.lua").read_text())
        self._take_back = valkey.script(scripts.joinpath("login_taken_back.lua").read_text())

    def enter(self, name: str, address: str | None) -> None:
        """Count a try; raises `Problem` (rate-limit-exceeded). Of an address that is not known only the name is counted."""
        counters = [(_name(name), MOST_OF_NAME)]
        if address is not None:
            pair = (_pair(name, address), MOST_OF_NAME_FROM_ADDRESS)
            counters = [(_address(address), MOST_FROM_ADDRESS), pair, *counters]
        self._count(counters)

    def succeeded(self, name: str, address: str | None) -> None:
        """Forget the tries of whoever has signed in; of his address and of his name the one that was right."""
        if address is not None:
            self._valkey.execute("DEL", _pair(name, address))
            self._take_back([_address(address), _name(name)])
        else:
            self._take_back([_name(name)])

    def leave(self, address: str | None) -> None:
        """Count a departure to sign in elsewhere; raises `Problem` (rate-limit-exceeded). Those of no known address are one's."""
        self._count([(_elsewhere("leave", address), MOST_DEPARTURES)])

    def come_back(self, address: str | None) -> None:
        """Count a return for which the issuer is asked; raises as well. Unless `came_back` follows, it has failed."""
        most = MOST_OF_NAME if address is None else MOST_FROM_ADDRESS
        self._count([(_elsewhere("come back", address), most)])

    def came_back(self, address: str | None) -> None:
        """Take back a return by which somebody has signed in."""
        self._take_back([_elsewhere("come back", address)])

    def _count(self, counters: Sequence[tuple[str, int]]) -> None:
        wait_ms = self._script([key for key, _ in counters], [WINDOW_S * 1_000, *(most for _, most in counters)])
        if wait_ms:
            detail = "Too many tries to sign in. Wait a little."
            raise Problem(ProblemType.RATE_LIMIT_EXCEEDED, detail, limit="sign_in", retry_after=wait_ms / 1_000)


def _pair(name: str, address: str) -> str:
    return keyspace.login_tries("both", _digest(f"{address} {name}"))


def _address(address: str) -> str:
    return keyspace.login_tries("address", _digest(address))


def _elsewhere(step: str, address: str | None) -> str:
    return keyspace.login_tries("elsewhere", _digest(f"{step} {address or ''}"))


def _name(name: str) -> str:
    return keyspace.login_tries("name", _digest(name))


def _digest(text: str) -> str:
    """Return what stands for a text in the name of a key: it may be long, and somebody's password by mistake."""
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
