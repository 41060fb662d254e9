"""The client on three masters: it finds each key, follows slots that move, and loses with a master only what was there."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from redis.crc import key_slot

from app.core.errors import DependencyTimeoutError, DependencyUnavailableError
from app.core.valkey import CommandError, Valkey
from app.domain.shards import SHARDS, tag
from app.freeze import frozen
from tests.cluster import MASTERS, master_of, running_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster import Cluster

    Eventually = Callable[[Callable[[], object]], None]

KEYS = [f"{tag(shard)}:key" for shard in range(SHARDS)]
HOME = [master_of(key_slot(key.encode())) for key in KEYS]
"""The master of each shard."""
A, B = KEYS[0], KEYS[1]
SLOT = key_slot(A.encode())
THERE = HOME[0]
ELSEWHERE = HOME[1]


@pytest.fixture(scope="module")
def masters() -> Iterator[Cluster]:
    """A cluster of this module's own: its masters die."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def valkey(cluster: Cluster) -> Iterator[Valkey]:
    valkey = Valkey(cluster.url, timeout_s=5.0)
    yield valkey
    valkey.forget()


def moved(cluster: Cluster) -> int:
    """How often a master had to send somebody elsewhere."""
    found = [master.client.info("errorstats").get("errorstat_MOVED", {"count": 0}) for master in cluster.masters]
    return sum(int(errors["count"]) for errors in found)


def test_every_shard_is_found_on_its_master(valkey: Valkey, cluster: Cluster) -> None:
    valkey.ping()
    before = moved(cluster)
    for shard, key in enumerate(KEYS):
        valkey.execute("SET", key, shard)

    held = [set(master.client.keys()) for master in cluster.masters]

    assert held == [{key.encode() for key, home in zip(KEYS, HOME, strict=True) if home == n} for n in range(MASTERS)]
    assert set(HOME) == set(range(MASTERS))
    assert moved(cluster) == before


def test_a_pipeline_over_all_masters_answers_in_order(valkey: Valkey) -> None:
    replies = valkey.pipeline([(name, key) for key in KEYS for name in ("INCR", "INCR", "GET")])

    assert replies == [1, 2, b"2"] * SHARDS
    assert valkey.pipeline([]) == []


def test_transactions_of_several_masters_go_in_one_pipeline(valkey: Valkey) -> None:
    commands: list[tuple[Any, ...]] = []
    for key in (A, B):
        commands += [("MULTI",), ("SET", key, 1), ("INCR", key), ("EXEC",), ("GET", key)]

    assert valkey.pipeline(commands) == [b"OK", b"QUEUED", b"QUEUED", [b"OK", 2], b"2"] * 2


def test_an_error_of_one_command_keeps_no_other_from_being_run(valkey: Valkey) -> None:
    with pytest.raises(CommandError, match="not an integer"):
        valkey.pipeline([("SET", A, "word"), ("INCR", A), *[("SET", key, "set") for key in KEYS[1:]]])

    assert valkey.pipeline([("GET", key) for key in KEYS]) == [b"word", *[b"set"] * (SHARDS - 1)]


def test_keys_of_two_slots_in_one_command_are_our_mistake(valkey: Valkey) -> None:
    with pytest.raises(CommandError, match="CROSSSLOT"):
        valkey.execute("DEL", A, B)


def test_scripts_are_known_where_they_are_needed(valkey: Valkey) -> None:
    script = valkey.script("return {KEYS[1], redis.call('INCR', KEYS[1])}")

    assert [script([key])[1] for key in KEYS] == [1] * SHARDS
    valkey.execute("SCRIPT", "FLUSH")
    script.load()
    assert valkey.pipeline([script.command([key]) for key in KEYS]) == [[key.encode(), 2] for key in KEYS]


def test_a_script_and_a_value_beside_it_may_be_on_two_masters(valkey: Valkey) -> None:
    script = valkey.script("return redis.call('INCR', KEYS[1])")
    valkey.execute("SET", B, "beside")

    assert script.with_value([A], [], B) == (1, b"beside")
    assert script.with_value([A], [], B) == (2, b"beside")


def test_each_server_can_be_asked_alone_and_all_are_scanned(valkey: Valkey) -> None:
    valkey.pipeline([("SET", key, "") for key in KEYS])

    sizes = [server.execute("DBSIZE") for server in valkey.servers()]
    names = [name.decode() for page in valkey.scan("{s??}:*", at_once=3) for name in page]

    assert sizes == [HOME.count(number) for number in range(MASTERS)]
    assert sorted(names) == KEYS


def test_threads_that_share_round_trips_get_their_own_answers(cluster: Cluster) -> None:
    valkey = Valkey(cluster.url, timeout_s=5.0, together=True)
    wrong: list[str] = []

    def count(key: str) -> None:
        replies = [valkey.execute("INCR", key) for _ in range(100)]
        if replies != list(range(1, 101)):
            wrong.append(key)
        valkey.forget()

    threads = [threading.Thread(target=count, args=(key,)) for key in KEYS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_a_slot_that_has_moved_is_followed_and_looked_up_once(valkey: Valkey, cluster: Cluster) -> None:
    valkey.pipeline([("SET", A, "moves"), ("SET", B, "stays")])
    cluster.move(SLOT, source=THERE, target=ELSEWHERE)
    try:
        before = moved(cluster)
        assert valkey.pipeline([("GET", B), ("GET", A), ("MULTI",), ("APPEND", A, "!"), ("EXEC",), ("GET", B)]) == [
            *(b"stays", b"moves", b"OK", b"QUEUED", [6], b"stays")
        ]
        followed = moved(cluster)
        assert valkey.execute("GET", A) == b"moves!"
        assert moved(cluster) == followed > before
    finally:
        cluster.move(SLOT, source=ELSEWHERE, target=THERE)

    assert valkey.execute("GET", A) == b"moves!"


def test_a_slot_that_moves_is_served_by_both_meanwhile(valkey: Valkey, cluster: Cluster) -> None:
    fresh, other = f"{A}:fresh", f"{A}:other"
    valkey.execute("SET", A, "old")
    cluster.begin_move(SLOT, source=THERE, target=ELSEWHERE)
    try:
        assert valkey.execute("GET", A) == b"old"
        assert valkey.execute("INCR", fresh) == 1
        transaction = [("MULTI",), ("INCR", other), ("INCR", other), ("EXEC",)]
        assert valkey.pipeline([("GET", B), *transaction, ("GET", A)])[-2:] == [[1, 2], b"old"]
        assert cluster.masters[ELSEWHERE].client.dbsize() == 2
        cluster.carry(SLOT, source=THERE, target=ELSEWHERE)
        cluster.end_move(SLOT, source=THERE, target=ELSEWHERE)
        assert valkey.pipeline([("GET", A), ("GET", fresh), ("GET", other)]) == [b"old", b"1", b"2"]
    finally:
        cluster.move(SLOT, source=ELSEWHERE, target=THERE)


def test_a_slot_may_move_back_and_forth_under_the_hands_of_many(cluster: Cluster) -> None:
    """Each of them counts, so that a command that is lost or run twice is seen."""
    valkey = Valkey(cluster.url, timeout_s=5.0, together=True)
    stop, counts = threading.Event(), dict.fromkeys(range(4), 0)

    def count(number: int) -> None:
        while not stop.is_set():
            counts[number] += 1
            assert valkey.execute("INCR", f"{A}:{number}") == counts[number]
        valkey.forget()

    threads = [threading.Thread(target=count, args=(number,)) for number in counts]
    for thread in threads:
        thread.start()
    for _ in range(3):
        cluster.move(SLOT, source=THERE, target=ELSEWHERE)
        cluster.move(SLOT, source=ELSEWHERE, target=THERE)
    stop.set()
    for thread in threads:
        thread.join()

    assert valkey.pipeline([("GET", f"{A}:{number}") for number in counts]) == [
        str(count).encode() for count in counts.values()
    ]
    valkey.forget()


def test_a_dead_master_takes_its_slots_along_and_no_others(
    valkey: Valkey, cluster: Cluster, eventually: Eventually
) -> None:
    dead = HOME[0]
    valkey.pipeline([("SET", key, "kept") for key in KEYS])
    cluster.masters[dead].kill()
    try:
        for _ in range(2):
            for key, home in zip(KEYS, HOME, strict=True):
                if home != dead:
                    assert valkey.execute("GET", key) == b"kept"
                    continue
                with pytest.raises(DependencyUnavailableError):
                    valkey.execute("GET", key)
        with pytest.raises(DependencyUnavailableError):
            valkey.pipeline([("APPEND", key, "!") for key in KEYS])
        valkey.ping()
        with pytest.raises(DependencyUnavailableError):
            [server.ping() for server in valkey.servers()]
    finally:
        cluster.masters[dead].start()
        cluster.wait_ready()

    assert valkey.pipeline([("GET", key) for key in KEYS]) == [b"kept" if home == dead else b"kept!" for home in HOME]


def test_a_silent_master_costs_its_own_slots_their_time_and_no_others(cluster: Cluster) -> None:
    impatient = Valkey(cluster.url, timeout_s=0.5)
    impatient.pipeline([("SET", key, "kept") for key in KEYS])
    with frozen(cluster.masters[THERE].pid):
        with pytest.raises(DependencyTimeoutError):
            impatient.execute("GET", A)
        with pytest.raises(DependencyUnavailableError):
            impatient.execute("GET", A)
        assert impatient.execute("GET", B) == b"kept"
    impatient.forget()


def test_a_replica_that_takes_over_is_found_by_the_same_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the connection was lost in its midst: then it is unknown what became of it, as with one server."""
    monkeypatch.setattr("app.core.valkey_connection._IDLE_S", 0.0)
    with running_cluster() as cluster:
        valkey = Valkey(cluster.url, timeout_s=5.0)
        lost = HOME[1]
        replica = cluster.add_replica(lost)
        valkey.execute("SET", B, "kept")
        cluster.wait_copied(lost)

        cluster.masters[lost].kill()
        cluster.take_over(replica)

        assert valkey.execute("GET", B) == b"kept"
        valkey.forget()


def test_a_cluster_may_be_away_when_its_client_is_made(cluster: Cluster) -> None:
    """The address names one node: without it nothing is known of the others."""
    valkey = Valkey(cluster.url, timeout_s=5.0)
    first = cluster.masters[0]
    first.kill()
    try:
        with pytest.raises(DependencyUnavailableError):
            valkey.execute("GET", B)
    finally:
        first.start()
        cluster.wait_ready()

    assert valkey.execute("GET", B) is None


def test_one_server_is_asked_once_whether_it_is_one_of_many(engines: Any) -> None:
    valkey = Valkey(engines.redis_url)

    def asked() -> int:
        stats = valkey.execute("INFO", "commandstats").decode()
        calls = [line.partition("calls=")[2].partition(",")[0] for line in stats.splitlines() if "cluster" in line]
        return sum(map(int, calls))

    first = asked()
    valkey.pipeline([("ECHO", "a"), ("ECHO", "b")])

    assert asked() == first > 0
    assert [server is valkey for server in valkey.servers()] == [True]
    valkey.forget()
