"""What the commands of a pipeline are about, for whoever must find the server of each: keys, slots, and what may not be parted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from redis.crc import key_slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Command = tuple[str | bytes | float, ...]

_KEY_AT = {"EVALSHA": 3, "EVAL": 3, "XGROUP": 2, "XINFO": 2, "OBJECT": 2}
"""Where the first key stands, when not right behind the command's name."""
_READERS = frozenset({"XREADGROUP", "XREAD"})
_OF_ONE_SERVER = frozenset({"SCAN", "INFO", "CONFIG", "CLIENT", "KEYS", "DBSIZE", "CLUSTER", "SELECT"})


@dataclass(frozen=True, slots=True)
class Unit:
    """Commands that go to one server together: a single one, or a transaction with its MULTI and EXEC."""

    slot: int
    commands: Sequence[Command]
    at: int
    """The place of its first command in the pipeline."""


def units_of(commands: Sequence[Command]) -> list[Unit]:
    """Part a pipeline. The keys of a unit must be of one slot, which the server checks."""
    units = []
    start = 0
    in_transaction = False
    for i, command in enumerate(commands):
        in_transaction = command[0] == "MULTI" or (in_transaction and command[0] != "EXEC")
        if not in_transaction:
            unit = commands[start : i + 1]
            units.append(Unit(_slot_of(unit), unit, start))
            start = i + 1
    return units


def _slot_of(commands: Iterable[Command]) -> int:
    return next(key_slot(_key_of(command)) for command in commands if command[0] != "MULTI")


def _key_of(command: Command) -> bytes:
    name = str(command[0])
    if name in _OF_ONE_SERVER:
        raise ValueError(f"{name} asks one server: ask each of `Valkey.servers`")
    key = command[command.index("STREAMS") + 1 if name in _READERS else _KEY_AT.get(name, 1)]
    return key if isinstance(key, bytes) else str(key).encode()
