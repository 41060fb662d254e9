"""The engines' settings, written explicitly so that no default decides over durability. Pure: paths and sizes in, settings out."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MIB = 1024**2
GIB = 1024**3
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


class Profile(StrEnum):
    """What the engines are for. Both are equally durable; they differ in the memory and disk they take."""

    TEST = "test"
    SERVE = "serve"


def memory_bytes() -> int:
    """What the engines may share: the machine's memory, or its container's limit where that is lower."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [int(text) for path in CGROUP_LIMITS if path.exists() and (text := path.read_text().strip()).isdigit()]
    return min(physical, *limits) if limits else physical


def postgres_settings(profile: Profile, *, socket_dir: Path, memory: int, disk_free: int) -> dict[str, str]:
    """PostgreSQL's settings for a memory and a free disk space in bytes.

    Random event ids touch the primary key's index everywhere, so the full-page images after each checkpoint are the cost of
    a large table (design.md decision 13: 48,000 to 26,000 rows/s on the defaults): checkpoints are rare, their images
    compressed. Not rarer, because a killed server first replays its log: 60 to 80 MB/s on two slow and busy cores, so a minute for
    the 4 GiB that hours of full load leave, and seconds in ordinary times. Ingestion goes on meanwhile.
    """
    small = profile is Profile.TEST
    shared_buffers = 64 * MIB if small else _between(128 * MIB, memory // 4, 8 * GIB)
    max_wal = 512 * MIB if small else _between(1 * GIB, disk_free // 10, 4 * GIB)
    return {
        # Who may come in.
        "listen_addresses": "",
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "max_connections": "100",
        # Durability: what COMMIT has answered is on disk.
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "wal_level": "replica",
        # Memory.
        "shared_buffers": _mib(shared_buffers),
        "effective_cache_size": _mib(max(memory // 2, shared_buffers)),
        "work_mem": "16MB",
        "maintenance_work_mem": "64MB" if small else _mib(_between(64 * MIB, memory // 16, 1 * GIB)),
        # Growth.
        "wal_compression": "on",
        "wal_buffers": "4MB" if small else "64MB",
        "max_wal_size": _mib(max_wal),
        "min_wal_size": "80MB" if small else _mib(max_wal // 4),
        "checkpoint_timeout": "10min",
        "checkpoint_completion_target": "0.9",
        # Statements are short and prepared: planning for a compiler costs more than it saves. Disks have no seek time.
        "jit": "off",
        "random_page_cost": "1.1",
        # Rows are only ever added to events: the visibility map and the statistics must keep up by insertions.
        "autovacuum_naptime": "30s",
        "autovacuum_vacuum_insert_scale_factor": "0.1",
        "autovacuum_analyze_scale_factor": "0.2",
        # No row's content in the log, which is kept for the operator.
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_error_verbosity": "terse",
        "log_line_prefix": "%m [%p] %u@%d ",
        "log_timezone": "UTC",
        "timezone": "UTC",
        "lc_messages": "C",
    }


def valkey_settings(profile: Profile, *, socket: Path, data_dir: Path, memory: int) -> dict[str, str]:
    """Valkey's settings for a memory in bytes: an answer means that the command is in the log on disk, and nothing is evicted."""
    small = profile is Profile.TEST
    return {
        # Who may come in. The password is added where the file is written.
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "protected-mode": "yes",
        "enable-debug-command": "no",
        "enable-module-command": "no",
        # Durability. Without the log during a rewrite, a 202 could be a lie for as long as the rewrite takes.
        "appendonly": "yes",
        "appendfsync": "always",
        "no-appendfsync-on-rewrite": "no",
        "aof-load-truncated": "yes",
        "aof-use-rdb-preamble": "yes",
        "save": "",
        # The log grows with every event and the data do not: a rewrite is cheap, but each one forks.
        "auto-aof-rewrite-percentage": "100",
        "auto-aof-rewrite-min-size": str(64 * MIB if small else 256 * MIB),
        # Refusing is honest, evicting is losing.
        "maxmemory": str(256 * MIB if small else _between(256 * MIB, memory // 4, 16 * GIB)),
        "maxmemory-policy": "noeviction",
        "dir": str(data_dir),
        "daemonize": "no",
        "logfile": "",
        "loglevel": "notice",
        "databases": "16",
    }


def postgres_file(settings: Mapping[str, str]) -> str:
    """postgresql.conf for these settings."""
    return "".join(f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in settings.items())


def valkey_file(settings: Mapping[str, str]) -> str:
    """valkey.conf for these settings."""
    return "".join(
        '{} "{}"\n'.format(name, value.replace("\\", "\\\\").replace('"', '\\"')) for name, value in settings.items()
    )


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))


def _mib(size: int) -> str:
    return f"{size // MIB}MB"
