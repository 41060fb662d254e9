from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.core.settings import load_settings
from app.ports import HELD, Endpoint
from app.process import ProcessFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def held(request: pytest.FixtureRequest) -> Iterator[Endpoint]:
    """A port that somebody else is ready to share."""
    endpoint = Endpoint.of(request.param, 0)
    with endpoint.hold() as holder:
        yield replace(endpoint, port=holder.getsockname()[1])


def test_a_port_that_another_instance_holds_is_refused(held: Endpoint) -> None:
    with pytest.raises(ProcessFailedError, match=f"Port {held.port} is in use by another program; give --port"):
        held.hold()


def test_a_port_on_which_somebody_listens_is_refused(held: Endpoint) -> None:
    with socket.socket(held.family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((held.host, held.port))
        listener.listen()

        with pytest.raises(ProcessFailedError, match="in use by another program"):
            held.refuse_taken()


def test_who_listens_for_the_holder_shares_its_port(held: Endpoint) -> None:
    with socket.socket(held.family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((held.host, held.port))
        listener.listen()
        socket.create_connection((held.host, held.port), timeout=10).close()


def test_an_address_of_another_machine_is_refused_in_a_sentence() -> None:
    with pytest.raises(ProcessFailedError, match=r"Cannot listen on 192\.0\.2\.1, port 0: "):
        Endpoint.of("192.0.2.1", 0).hold()


def test_a_name_without_an_address_is_refused_in_a_sentence() -> None:
    with pytest.raises(ProcessFailedError, match=r"Cannot listen on nowhere\.invalid: "):
        Endpoint.of("nowhere.invalid", 80)


@pytest.mark.parametrize(
    ("host", "local", "shown"),
    [
        ("127.0.0.2", "http://127.0.0.2:80", "http://127.0.0.2:80"),
        ("::1", "http://[::1]:80", "http://[::1]:80"),
        ("0.0.0.0", "http://127.0.0.1:80", "http://localhost:80"),  # noqa: S104 - nothing is bound.
        ("::", "http://[::1]:80", "http://localhost:80"),
    ],
)
def test_every_address_is_reached_by_one_that_can_be(host: str, local: str, shown: str) -> None:
    endpoint = Endpoint.of(host, 80)

    assert (endpoint.local_url, endpoint.url) == (local, shown)


def test_the_mark_of_a_held_port_is_no_unknown_setting() -> None:
    stores = {"SLIPSTREAM_DATABASE_URL": "postgresql:///x", "SLIPSTREAM_REDIS_URL": "redis://x"}

    assert load_settings({**stores, HELD: "1"}).redis_url == "redis://x"
