from __future__ import annotations

from typing import Any

import pytest
from redis.crc import key_slot

from app.core.valkey_commands import units_of


@pytest.mark.parametrize(
    "command",
    [
        ("GET", "{s07}:load"),
        ("HSET", b"{s07}:load", "events", 7),
        ("EVALSHA", "digest", 2, "{s07}:lease", "{s07}:load", "argument"),
        ("EVAL", "return 1", 1, "{s07}:lease"),
        ("XREADGROUP", "GROUP", "workers", "me", "BLOCK", 10, "STREAMS", "{s07}:q:high", ">"),
        ("XGROUP", "CREATE", "{s07}:q:high", "workers", "0"),
    ],
)
def test_a_command_belongs_to_the_slot_of_its_first_key(command: tuple[Any, ...]) -> None:
    (unit,) = units_of([command])

    assert unit.slot == key_slot(b"s07")


def test_a_transaction_is_not_parted_from_its_ends() -> None:
    first = [("MULTI",), ("SET", "{a}", 1), ("INCR", "{a}"), ("EXEC",)]
    second = [("MULTI",), ("SET", "{b}", 1), ("EXEC",)]

    units = units_of([("GET", "{b}"), *first, *second, ("GET", "{a}")])

    a, b = key_slot(b"a"), key_slot(b"b")
    assert [(unit.slot, len(unit.commands), unit.at) for unit in units] == [
        (b, 1, 0),
        (a, 4, 1),
        (b, 3, 5),
        (a, 1, 8),
    ]


@pytest.mark.parametrize("command", [("SCAN", 0), ("INFO", "memory"), ("CONFIG", "GET", "maxmemory")])
def test_what_a_server_tells_of_itself_has_no_place_in_a_pipeline(command: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="asks one server"):
        units_of([command])
