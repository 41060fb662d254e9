from __future__ import annotations

from pathlib import Path

import pytest

from app.embedded.tuning import (
    GIB,
    MIB,
    Profile,
    memory_bytes,
    postgres_file,
    postgres_settings,
    valkey_file,
    valkey_settings,
)

RUN = Path("/data/run")


def postgres(profile: Profile = Profile.SERVE, *, memory: int = 16 * GIB, disk_free: int = 200 * GIB) -> dict[str, str]:
    return postgres_settings(profile, socket_dir=RUN, memory=memory, disk_free=disk_free)


def valkey(profile: Profile = Profile.SERVE, *, memory: int = 16 * GIB) -> dict[str, str]:
    return valkey_settings(profile, socket=RUN / "valkey.sock", data_dir=Path("/data/valkey"), memory=memory)


@pytest.mark.parametrize("profile", Profile)
def test_both_profiles_are_durable(profile: Profile) -> None:
    ours = postgres(profile)
    theirs = valkey(profile)

    assert {ours[name] for name in ("fsync", "synchronous_commit", "full_page_writes")} == {"on"}
    assert (theirs["appendonly"], theirs["appendfsync"], theirs["no-appendfsync-on-rewrite"]) == ("yes", "always", "no")
    assert theirs["maxmemory-policy"] == "noeviction"


@pytest.mark.parametrize("profile", Profile)
def test_both_profiles_listen_on_private_sockets_only(profile: Profile) -> None:
    ours = postgres(profile)
    theirs = valkey(profile)

    assert (ours["listen_addresses"], ours["unix_socket_permissions"]) == ("", "0700")
    assert (theirs["port"], theirs["unixsocketperm"]) == ("0", "700")


@pytest.mark.parametrize(
    ("memory", "buffers"), [(256 * MIB, "128MB"), (4 * GIB, "1024MB"), (16 * GIB, "4096MB"), (512 * GIB, "8192MB")]
)
def test_shared_buffers_are_a_quarter_of_the_memory_within_bounds(memory: int, buffers: str) -> None:
    assert postgres(memory=memory)["shared_buffers"] == buffers


@pytest.mark.parametrize(("disk_free", "log"), [(1 * GIB, "1024MB"), (20 * GIB, "2048MB"), (900 * GIB, "4096MB")])
def test_the_write_ahead_log_takes_a_tenth_of_the_free_disk_within_bounds(disk_free: int, log: str) -> None:
    assert postgres(disk_free=disk_free)["max_wal_size"] == log


def test_the_memory_to_share_is_that_of_the_machine_or_less() -> None:
    assert 0 < memory_bytes() < 1024 * 1024 * GIB


def test_values_are_quoted_as_each_engine_reads_them() -> None:
    assert postgres_file({"name": "it's"}) == "name = 'it''s'\n"
    assert valkey_file({"name": 'a "b" \\ c', "save": ""}) == 'name "a \\"b\\" \\\\ c"\nsave ""\n'
