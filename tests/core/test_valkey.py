from __future__ import annotations

import os
import resource
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from app.core.errors import DependencyTimeoutError, DependencyUnavailableError
from app.core.valkey import CommandError, Valkey, ValkeyRefusedError

if TYPE_CHECKING:
    from app.embedded.instance import Instance


def test_bytes_go_in_and_come_out(valkey: Valkey) -> None:
    valkey.execute("SET", "key", b"\x00\xff")

    assert valkey.execute("GET", "key") == b"\x00\xff"


def test_a_pipeline_answers_in_order(valkey: Valkey) -> None:
    assert valkey.pipeline([("INCR", "n"), ("INCR", "n"), ("GET", "n")]) == [1, 2, b"2"]


def test_a_script_is_loaded_when_the_server_does_not_know_it(valkey: Valkey) -> None:
    script = valkey.script("return {KEYS[1], ARGV[1]}")
    valkey.execute("SCRIPT", "FLUSH")

    assert script(["k"], ["a"]) == [b"k", b"a"]
    assert script(["k"], [b"b"]) == [b"k", b"b"]


def test_a_wrong_command_is_our_mistake_and_leaves_the_connection_usable(valkey: Valkey) -> None:
    with pytest.raises(CommandError):
        valkey.execute("NOSUCHCOMMAND")

    valkey.ping()


def test_an_error_inside_a_pipeline_does_not_shift_the_next_answers(valkey: Valkey) -> None:
    with pytest.raises(CommandError):
        valkey.pipeline([("SET", "a", "1"), ("LPUSH", "a", "x"), ("SET", "a", "2")])

    assert valkey.execute("GET", "a") == b"2"


def test_a_full_server_refuses_and_says_that_it_is_memory(valkey: Valkey) -> None:
    valkey.execute("CONFIG", "SET", "maxmemory", "1mb")
    try:
        with pytest.raises(ValkeyRefusedError) as raised:
            valkey.execute("SET", "big", b"x" * 100_000)
    finally:
        valkey.execute("CONFIG", "SET", "maxmemory", "256mb")

    assert raised.value.out_of_memory


def test_threads_do_not_share_a_connection(valkey: Valkey) -> None:
    wrong: list[tuple[int, bytes]] = []

    def echo(number: int) -> None:
        for turn in range(200):
            said = f"{number}-{turn}".encode()
            if valkey.execute("ECHO", said) != said:
                wrong.append((number, said))

    threads = [threading.Thread(target=echo, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(DependencyUnavailableError):
        Valkey("unix:///nowhere/valkey.sock").ping()


def test_a_server_that_does_not_answer_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        valkey = Valkey(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", timeout_s=0.1)

        with pytest.raises(DependencyTimeoutError):
            valkey.ping()


def test_a_connection_that_was_cut_is_opened_again(valkey: Valkey) -> None:
    number = valkey.execute("CLIENT", "ID")
    other = threading.Thread(target=lambda: valkey.execute("CLIENT", "KILL", "ID", number))
    other.start()
    other.join()

    with pytest.raises(DependencyUnavailableError):
        valkey.ping()
    valkey.ping()


def test_a_server_that_came_back_costs_one_request_and_not_one_of_every_thread(
    engines: Instance, valkey: Valkey
) -> None:
    failures: list[int] = []
    ready, go = threading.Barrier(6), threading.Barrier(6)

    def ask(number: int) -> None:
        valkey.ping()
        ready.wait()
        go.wait()
        with turn:
            try:
                valkey.ping()
            except DependencyUnavailableError:
                failures.append(number)

    turn = threading.Lock()
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    ready.wait()
    engines.valkey.restart()
    go.wait()
    for thread in threads:
        thread.join()

    assert len(failures) <= 1


def test_a_connection_that_rested_while_its_server_was_replaced_is_not_used_again(
    engines: Instance, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.valkey_connection._IDLE_S", 0.0)
    valkey.ping()
    engines.valkey.restart()

    valkey.ping()


def test_a_wrong_password_is_unavailable_and_is_not_repeated(valkey_url: str) -> None:
    path = valkey_url.partition("@")[2].partition("?")[0]

    with pytest.raises(DependencyUnavailableError) as raised:
        Valkey(f"unix://:not-the-password@{path}").ping()

    assert "not-the-password" not in str(raised.value)


def test_a_process_with_very_many_descriptors_talks_to_it_too(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.valkey_connection._IDLE_S", 0.0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4_096), hard))
    null = os.open(os.devnull, os.O_RDONLY)
    taken = [os.dup(null) for _ in range(1_100)]
    try:
        valkey = Valkey(valkey_url, timeout_s=5.0)
        valkey.ping()
        valkey.ping()
        valkey.forget()
    finally:
        for descriptor in (null, *taken):
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
