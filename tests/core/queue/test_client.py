from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
import redis

from app.core.queue.client import RedisClient
from app.core.valkey import Valkey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.core.queue.client import Client


REDIS_PY = pytest.param(RedisClient, marks=pytest.mark.one_server("it knows no clusters"))


@pytest.fixture(params=[Valkey, REDIS_PY], ids=["socket", "redis-py"])
def client(request: pytest.FixtureRequest, valkey_url: str) -> Client:
    """Both clients satisfy the same contract."""
    client: Client = request.param(valkey_url, timeout_s=5.0)
    return client


def test_replies_are_raw(client: Client) -> None:
    client.execute("HSET", "hash", "field", b"\xff")
    client.execute("XADD", "stream", "1-1", "field", "value")

    assert client.execute("HGETALL", "hash") == [b"field", b"\xff"]
    assert client.execute("XRANGE", "stream", "-", "+") == [[b"1-1", [b"field", b"value"]]]
    assert client.execute("GET", "nothing") is None
    assert client.execute("EXISTS", "hash") == 1


def test_a_pipeline_answers_in_order(client: Client) -> None:
    assert client.pipeline([("INCR", "a"), ("INCRBY", "a", 5), ("GET", "a")]) == [1, 6, b"6"]
    assert client.pipeline([]) == []


def test_a_script_is_loaded_when_the_server_does_not_know_it(client: Client) -> None:
    script = client.script("return {KEYS[1], tonumber(ARGV[1]) + 1, false}")

    assert script(["key"], [41]) == [b"key", 42, None]
    client.execute("SCRIPT", "FLUSH")
    assert script(["key"], [41]) == [b"key", 42, None]


def test_an_error_of_the_server_is_told_in_its_words(client: Client) -> None:
    with pytest.raises(Exception, match="NOGROUP"):
        client.execute("XREADGROUP", "GROUP", "g", "c", "STREAMS", "nowhere", ">")


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []
        accepting = threading.Thread(target=lambda: held.append(server.accept()[0]))
        accepting.start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        accepting.join()
        for connection in held:
            connection.close()


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever_and_not_asked_twice(silent_server: str) -> None:
    client = RedisClient(silent_server, timeout_s=0.1)

    with pytest.raises(redis.exceptions.TimeoutError):
        client.execute("PING")

    client.close()
