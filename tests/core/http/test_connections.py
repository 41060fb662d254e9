"""Which connections are closed, and which never."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from app.core.http.connections import stop_reading_from

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's end and ours."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    with client, ours:
        client.settimeout(10)
        ours.settimeout(10)
        yield client, ours


def test_reading_ends_and_answering_goes_on(pair: tuple[socket.socket, socket.socket]) -> None:
    client, ours = pair

    closed = stop_reading_from({("127.0.0.1", ours.getsockname()[1])}, silent_for_s=0)

    assert closed == 1
    assert ours.recv(1) == b""
    ours.sendall(b"an answer")
    assert client.recv(9) == b"an answer"


def test_another_address_is_left_alone(pair: tuple[socket.socket, socket.socket]) -> None:
    client, ours = pair

    closed = stop_reading_from({("10.1.2.3", ours.getsockname()[1])}, silent_for_s=0)

    client.sendall(b"x")
    assert (closed, ours.recv(1)) == (0, b"x")


def test_what_we_opened_ourselves_is_left_alone(pair: tuple[socket.socket, socket.socket]) -> None:
    """PostgreSQL and Valkey may be at the address that a slow client comes from."""
    client, ours = pair

    stop_reading_from({("127.0.0.1", ours.getsockname()[1])}, silent_for_s=0)

    ours.sendall(b"x")
    assert client.recv(1) == b"x"


def test_a_connection_on_which_we_have_just_answered_is_left_alone(pair: tuple[socket.socket, socket.socket]) -> None:
    client, ours = pair
    ours.sendall(b"an answer")

    closed = stop_reading_from({("127.0.0.1", ours.getsockname()[1])}, silent_for_s=3_600)

    client.sendall(b"x")
    assert (closed, ours.recv(1)) == (0, b"x")
