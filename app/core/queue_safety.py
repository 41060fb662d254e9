"""What a Valkey must be set to, so that a 202 means: on disk, and never evicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.valkey import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.core.valkey import Valkey

_REQUIRED = {
    "appendonly": ("yes", "What is accepted must be written to the log."),
    "appendfsync": ("always", "An answer must mean that the log is on disk."),
    "no-appendfsync-on-rewrite": ("no", "Also while the log is being rewritten."),
    "maxmemory-policy": ("noeviction", "Refusing is honest, evicting is losing."),
}


def unsafe_settings(valkey: Valkey) -> list[str]:
    """Return a sentence for each setting on which the promises of the queue do not hold.

    A managed server may hide its settings; then only what it says of itself (INFO) is looked at. Raises as
    `Valkey.execute` does.
    """
    try:
        settings = _pairs(valkey.execute("CONFIG", "GET", *_REQUIRED, "maxmemory"))
    except CommandError:
        settings = _info(valkey)
    problems = [
        f"{name} is {settings[name]}, and must be {value}. {why}"
        for name, (value, why) in _REQUIRED.items()
        if settings.get(name, value) != value
    ]
    if settings.get("maxmemory") == "0":
        problems.append("maxmemory is not set. Without a limit the operating system ends the server instead.")
    return problems


def _info(valkey: Valkey) -> dict[str, str]:
    """What a server tells of itself: nothing about when the log reaches the disk."""
    text: bytes = valkey.execute("INFO")
    said = dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)
    settings: dict[str, str] = {}
    if "aof_enabled" in said:
        settings["appendonly"] = "yes" if said["aof_enabled"] == "1" else "no"
    for name in ("maxmemory", "maxmemory_policy"):
        if name in said:
            settings[name.replace("_", "-")] = said[name]
    return settings


def _pairs(reply: list[bytes]) -> Mapping[str, str]:
    return {name.decode(): value.decode() for name, value in zip(reply[::2], reply[1::2], strict=True)}
