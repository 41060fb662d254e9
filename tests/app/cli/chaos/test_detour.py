"""A bad network does what it says, and gives the engine's socket back."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.cli.chaos.detour import Detour, Way

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def echo() -> Iterator[Path]:
    """The socket of a server that answers everything with the same."""
    directory = Path(tempfile.mkdtemp())  # A short path, as sockets need.
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(directory / "echo.sock"))
    server.listen()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while data := connection.recv(65_536):
                connection.sendall(data)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield directory / "echo.sock"
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    shutil.rmtree(directory)


def echoed(path: Path, data: bytes, timeout_s: float = 30) -> bytes:
    """What comes back until the connection ends or nothing more comes."""
    received = b""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(timeout_s)
        client.connect(str(path))
        with suppress(OSError):
            client.sendall(data)
            while len(received) < len(data) and (more := client.recv(65_536)):
                received += more
    return received


def test_a_slow_network_delivers_everything_late(echo: Path) -> None:
    with Detour(echo, Way.SLOW):
        assert echoed(echo, b"hello") == b"hello"


def test_it_is_known_which_process_was_led_how_often(echo: Path) -> None:
    with Detour(echo, Way.SLOW) as detour:
        assert detour.led == {}
        for _ in range(2):
            echoed(echo, b"hello")

    assert detour.led == {os.getpid(): 2}


def test_a_cut_network_ends_a_connection_after_some_bytes(echo: Path) -> None:
    with Detour(echo, Way.CUT):
        assert echoed(echo, b"hello") == b"hello"
        assert len(echoed(echo, b"x" * 10_000)) < 10_000


def test_a_silent_network_delivers_nothing(echo: Path) -> None:
    with Detour(echo, Way.SILENT):
        assert echoed(echo, b"hello", timeout_s=0.3) == b""


def test_a_trickle_is_one_byte_at_a_time(echo: Path) -> None:
    with Detour(echo, Way.TRICKLE):
        assert echoed(echo, b"he") == b"he"


@pytest.mark.parametrize("way", list(Way))
def test_afterwards_the_way_is_straight_again(echo: Path, way: Way) -> None:
    with Detour(echo, way):
        pass

    assert echoed(echo, b"hello") == b"hello"
