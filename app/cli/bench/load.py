"""The load generator: a process of its own, plain sockets kept alive, every request made before the clock starts."""

from __future__ import annotations

import multiprocessing
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, repeat
from random import Random
from typing import TYPE_CHECKING, Any, Self

from app.cli.sample_events import batch_body, sample_events

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection

RECEIVE_BYTES = 65_536
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
FIRST_REFUSAL = 300
GENERATOR_TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send; `keys` by account id."""

    host: str
    port: int
    keys: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class BatchLoad:
    """So many batches of a size, over so many connections at once, each batch to the next account in turn."""

    target: Target
    size: int
    batches: int
    connections: int
    seed: int


@dataclass(frozen=True, slots=True)
class GetLoad:
    """So many GET requests of these paths in turn, over so many connections at once; each path with its account's key.

    With `per_s` they are sent by the clock, so many a second, and a latency counts from when its request was due; without,
    each connection sends the next as soon as the last is answered.
    """

    target: Target
    paths: tuple[tuple[str, str], ...]
    requests: int
    connections: int
    per_s: float = 0.0


@dataclass(slots=True)
class LoadResult:
    """latencies_us: of every answer, in no order. seconds: from the first request to the last answer. cpu_us: the generator's own.

    refusal: the end of one answer that was none of 2xx.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    latencies_us: list[int] = field(default_factory=list)
    seconds: float = 0.0
    cpu_us: int = 0
    refusal: str = ""


class Generator:
    """A generator process that has made its requests and waits for `go`; a context manager."""

    def __init__(self, load: BatchLoad | GetLoad) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_generate, args=(load, theirs), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self._receive()
        return self

    def __exit__(self, *_error: object) -> None:
        self._pipe.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def go(self) -> LoadResult:
        """Start the clock; returns when every request is answered."""
        self._pipe.send("go")
        result: LoadResult = self._receive()
        return result

    def _receive(self) -> Any:
        if not self._pipe.poll(GENERATOR_TIMEOUT_S):
            raise TimeoutError("The load generator does not answer.")
        return self._pipe.recv()


def _generate(load: BatchLoad | GetLoad, pipe: Connection) -> None:
    requests = _posts(load) if isinstance(load, BatchLoad) else _gets(load)
    shares = [requests[number :: load.connections] for number in range(load.connections)]
    results = [LoadResult() for _ in shares]
    sockets = [socket.create_connection((load.target.host, load.target.port), timeout=60) for _ in shares]
    pipe.send("ready")
    pipe.recv()
    started, cpu = time.perf_counter(), time.process_time()
    threads = [
        threading.Thread(target=_drive, args=work, daemon=True)
        for work in zip(sockets, shares, _dues(load), results, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = LoadResult(
        seconds=time.perf_counter() - started,
        cpu_us=round((time.process_time() - cpu) * 1e6),
        latencies_us=[latency for result in results for latency in result.latencies_us],
    )
    for result in results:
        total.statuses.update(result.statuses)
        total.refusal = total.refusal or result.refusal
    pipe.send(total)


def _dues(load: BatchLoad | GetLoad) -> list[Iterator[int]]:
    """For each connection, when each of its requests is due, by the clock; 0 is at once."""
    if isinstance(load, BatchLoad) or not load.per_s:
        return [repeat(0) for _ in range(load.connections)]
    step = round(1e9 / load.per_s)
    return [
        count(time.perf_counter_ns() + number * step, load.connections * step) for number in range(load.connections)
    ]


def _drive(connection: socket.socket, requests: Sequence[bytes], dues: Iterator[int], result: LoadResult) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    clock = time.perf_counter_ns
    for request, due in zip(requests, dues, strict=False):
        started = clock()
        if due > started:
            time.sleep((due - started) / 1e9)
        started = due or started
        connection.sendall(request)
        status, ending = _read_answer(connection)
        result.latencies_us.append((clock() - started) // 1_000)
        result.statuses[status] += 1
        if status >= FIRST_REFUSAL:
            result.refusal = ending.decode(errors="replace")


def _read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """Read one answer to its end; return its status and what came last."""
    data = connection.recv(RECEIVE_BYTES)
    while (end := data.find(HEAD_END)) < 0:
        data += _more(connection)
    head = data[:end].lower()
    length = head.find(LENGTH)
    missing = (int(head[length + len(LENGTH) :].split(b"\r\n", 1)[0]) if length >= 0 else 0) - (len(data) - end - 4)
    while missing > 0:
        data = _more(connection)
        missing -= len(data)
    return int(head[9:12]), data


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(RECEIVE_BYTES)
    if not data:
        raise ConnectionError("The platform closed a connection of the load generator.")
    return data


def _posts(load: BatchLoad) -> list[bytes]:
    random = Random(load.seed)  # noqa: S311 - a run must be repeatable.
    now = datetime.now(UTC)
    heads = [_head(load.target, "POST /events", key) for _, key in load.target.keys]
    return [
        b"%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        % (heads[number % len(heads)], len(body), body)
        for number in range(load.batches)
        if (body := batch_body(sample_events(random, load.size, at=now)))
    ]


def _gets(load: GetLoad) -> list[bytes]:
    keys = dict(load.target.keys)
    made = [_head(load.target, f"GET {path}", keys[account_id]) + b"\r\n" for account_id, path in load.paths]
    return [made[number % len(made)] for number in range(load.requests)]


def _head(target: Target, request: str, key: str) -> bytes:
    return f"{request} HTTP/1.1\r\nHost: {target.host}:{target.port}\r\nAuthorization: Bearer {key}\r\n".encode()
