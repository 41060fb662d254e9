"""Apprise in its own process: it tells whom it may, and reaches nobody else."""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Any

import pytest

from app.core.notify.apprise_channel import AppriseChannel
from app.core.notify.errors import DeliveryError
from app.core.notify.targets import parse_target

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

    from tests.core.notify.receivers import Receiver

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


def test_a_service_of_apprise_is_told(receiver: Receiver, make_notification: Any) -> None:
    target = parse_target(f"gotify://127.0.0.1:{receiver.port}/hunter2")
    receiver.script = [200]

    AppriseChannel(LOOPBACK, deadline_s=5).send(target, make_notification(link="https://slip.example/ack/x"))

    (received,) = receiver.received
    said = json.loads(received.body)
    assert said["title"] == "checkout: availability burns"
    assert said["message"] == "14.4 times too fast.\n\nhttps://slip.example/ack/x"


def test_the_guard_holds_at_the_address_that_a_plugin_dials(receiver: Receiver, make_notification: Any) -> None:
    with pytest.raises(DeliveryError, match="not on the internet") as raised:
        AppriseChannel((), deadline_s=5).send(
            parse_target(f"gotify://localhost:{receiver.port}/hunter2"), make_notification()
        )

    assert raised.value.refused
    assert "hunter2" not in raised.value.reason
    assert receiver.received == []


def test_a_redirect_is_not_followed(receiver: Receiver, other: Receiver, make_notification: Any) -> None:
    def redirect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(307)
        handler.send_header("Location", other.url)
        handler.end_headers()

    receiver.script = [redirect]

    with pytest.raises(DeliveryError):
        AppriseChannel(LOOPBACK, deadline_s=5).send(
            parse_target(f"gotify://127.0.0.1:{receiver.port}/x"), make_notification()
        )
    assert other.received == []


def test_a_service_that_refuses_is_a_failure(receiver: Receiver, make_notification: Any) -> None:
    receiver.script = [500]

    with pytest.raises(DeliveryError, match="did not take it"):
        AppriseChannel(LOOPBACK, deadline_s=5).send(
            parse_target(f"gotify://127.0.0.1:{receiver.port}/x"), make_notification()
        )


def test_an_endless_answer_ends_the_child_alone(receiver: Receiver, make_notification: Any) -> None:
    def pour(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not receiver.ended.is_set():
            handler.wfile.write(b"x" * 1_048_576)

    receiver.script = [pour]

    with pytest.raises(DeliveryError):
        AppriseChannel(LOOPBACK, deadline_s=5).send(
            parse_target(f"gotify://127.0.0.1:{receiver.port}/x"), make_notification()
        )
