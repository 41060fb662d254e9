"""Whether a Valkey can hold the queue: 202 means on disk, so it must write every command down and never evict.

`serve` and `worker` refuse to start on one that does not; `doctor` says the same and more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.findings import Finding, State, judge, weakest
from app.core.valkey import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.core.settings import Settings
    from app.core.valkey import Valkey

SUBJECT = "valkey"
OLDEST = {"valkey": (9, 0), "redis": (7, 4)}
"""The first that have HPEXPIRE."""
_SMALLEST_REWRITE = 64 * 1024**2
_HEADROOM = 1.25
"""Streams, mirrors and limits beside the bodies that wait, as a share of them."""
_CANNOT_READ = "cannot be read"


@dataclass(frozen=True, slots=True)
class _Needed:
    """A setting that must have one value."""

    name: str
    value: str
    reason: str


_NEEDED = (
    _Needed("appendonly", "yes", "Without the log on disk, a restart forgets events that were answered with 202."),
    _Needed("appendfsync", "always", "An answer must not leave before its command is on disk: 202 means on disk."),
    _Needed(
        "no-appendfsync-on-rewrite",
        "no",
        "While the log is rewritten, answers would leave before their commands are on disk.",
    ),
    _Needed(
        "maxmemory-policy", "noeviction", "A queue that evicts loses accepted events instead of refusing new ones."
    ),
)


def check_queue(valkey: Valkey) -> list[Finding]:
    """Examine what the promise of the 202 rests on, of a cluster the weakest master. Raises `DependencyError` when one cannot be asked."""
    return weakest(_check_server(server) for server in valkey.servers())


def check_room(valkey: Valkey, settings: Settings) -> list[Finding]:
    """Examine whether Valkey has room for what our settings let in. Raises as `check_queue` does.

    Each master of a cluster needs room for all of it: four busy shards may fill the queue, and are easily on one.
    """
    return weakest(_check_room(server, settings) for server in valkey.servers())


def _check_server(valkey: Valkey) -> list[Finding]:
    info = _info(valkey)
    settings = _settings(valkey, info)
    findings = [_version(info), *(_needed(settings, needed) for needed in _NEEDED)]
    findings += [_memory_limit(settings), _rewrite_size(settings), _log_health(info), _role(info)]
    if info.get("cluster_enabled") == "1" or int(info.get("connected_slaves", "0")):
        findings.append(_failover(info))
    return findings


def _check_room(valkey: Valkey, settings: Settings) -> list[Finding]:
    found = _settings(valkey, _info(valkey))
    memory, clients = int(found.get("maxmemory", "0")), int(found.get("maxclients", "0"))
    bytes_needed = int(settings.queue_max_bytes * _HEADROOM)
    clients_needed = settings.processes * settings.api_threads + 64
    return [
        judge(
            subject=SUBJECT,
            name="room for the queue",
            good=memory == 0 or memory >= bytes_needed,
            found=f"{memory or 'no limit'} for {settings.queue_max_bytes} bytes of bodies",
            reason="Back-pressure must come before Valkey is full: full, it refuses every write, also of limits.",
            remedy=f"Set maxmemory to at least {bytes_needed}, or lower SLIPSTREAM_QUEUE_MAX_BYTES.",
            otherwise=State.WARN,
        ),
        judge(
            subject=SUBJECT,
            name="maxclients",
            good=clients == 0 or clients >= clients_needed,
            found=clients or _CANNOT_READ,
            reason="Every thread of the API keeps a connection; one that gets none answers 503.",
            remedy=f"Set maxclients to at least {clients_needed}, or lower SLIPSTREAM_API_THREADS.",
        ),
    ]


def _info(valkey: Valkey) -> dict[str, str]:
    text: str = valkey.execute("INFO").decode(errors="replace")
    return {name: value for name, found, value in (line.partition(":") for line in text.splitlines()) if found}


def _settings(valkey: Valkey, info: Mapping[str, str]) -> dict[str, str]:
    names = [needed.name for needed in _NEEDED]
    try:
        reply = valkey.execute("CONFIG", "GET", *names, "maxmemory", "auto-aof-rewrite-min-size", "maxclients")
    except CommandError:
        # A provider's server may forbid CONFIG; some of the settings stand in INFO as well.
        known = {"maxmemory-policy": "maxmemory_policy", "maxmemory": "maxmemory", "maxclients": "maxclients"}
        found = {name: info[told] for name, told in known.items() if told in info}
        return found | {"appendonly": {"1": "yes", "0": "no"}.get(info.get("aof_enabled", ""), _CANNOT_READ)}
    return {name.decode(): value.decode() for name, value in zip(reply[::2], reply[1::2], strict=True)}


def _version(info: Mapping[str, str]) -> Finding:
    software = "valkey" if "valkey_version" in info else "redis"
    version = info.get(f"{software}_version", "0")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    return judge(
        subject=SUBJECT,
        name="version",
        good=numbers >= OLDEST[software],
        found=f"{software} {version}",
        reason="Results of tasks expire by HPEXPIRE: without it a task that has failed for good never leaves the queue.",
        remedy="Upgrade to Valkey 9.0 or Redis 7.4, or later.",
    )


def _needed(settings: Mapping[str, str], needed: _Needed) -> Finding:
    found = settings.get(needed.name, _CANNOT_READ)
    return judge(
        subject=SUBJECT,
        name=needed.name,
        good=found == needed.value,
        found=found,
        reason=needed.reason,
        remedy=f"Set `{needed.name} {needed.value}`."
        if found != _CANNOT_READ
        else f"Make sure with the server's provider that `{needed.name}` is `{needed.value}`.",
        otherwise=State.FAIL if found != _CANNOT_READ else State.WARN,
    )


def _memory_limit(settings: Mapping[str, str]) -> Finding:
    found = settings.get("maxmemory", _CANNOT_READ)
    return judge(
        subject=SUBJECT,
        name="maxmemory",
        good=found.isdigit() and int(found) > 0,
        found=found,
        reason="Without a limit the kernel decides when Valkey is full, by killing it.",
        remedy="Set maxmemory below the machine's memory, with room for a fork.",
        otherwise=State.FAIL if found == "0" else State.WARN,
    )


def _rewrite_size(settings: Mapping[str, str]) -> Finding:
    found = settings.get("auto-aof-rewrite-min-size", _CANNOT_READ)
    return judge(
        subject=SUBJECT,
        name="auto-aof-rewrite-min-size",
        good=found.isdigit() and int(found) >= _SMALLEST_REWRITE,
        found=found,
        reason="The log of a queue grows while its data stay small; a low size makes it fork all the time.",
        remedy="Set auto-aof-rewrite-min-size to 256mb.",
        otherwise=State.WARN,
    )


def _log_health(info: Mapping[str, str]) -> Finding:
    found = info.get("aof_last_write_status", "ok"), info.get("aof_last_bgrewrite_status", "ok")
    return judge(
        subject=SUBJECT,
        name="log on disk",
        good=found == ("ok", "ok"),
        found=f"last write {found[0]}, last rewrite {found[1]}",
        reason="What cannot be written down cannot be answered with 202; what cannot be rewritten fills the disk.",
        remedy="Look at the server's log and at its disk's free space.",
        otherwise=State.FAIL if found[0] != "ok" else State.WARN,
    )


def _role(info: Mapping[str, str]) -> Finding:
    found = info.get("role", "master")
    return judge(
        subject=SUBJECT,
        name="role",
        good=found == "master",
        found=found,
        reason="A replica takes no events.",
        remedy="Let SLIPSTREAM_REDIS_URL name the primary.",
    )


def _failover(info: Mapping[str, str]) -> Finding:
    found = "a cluster" if info.get("cluster_enabled") == "1" else f"{info['connected_slaves']} replicas"
    return Finding(
        subject=SUBJECT,
        name="failover",
        state=State.WARN,
        found=found,
        reason="Replication is asynchronous: a failover to a replica may lose what the primary had on disk. "
        "202 means on the primary's disk.",
        remedy="Bring the primary back rather than failing over, or accept the loss of the last moments; "
        "only WAIT after every command would close the gap.",
    )
