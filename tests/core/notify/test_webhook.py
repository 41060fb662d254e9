"""Webhooks as Standard Webhooks has them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.core.notify.targets import parse_target
from app.core.notify.webhook import Webhooks, sign
from app.core.notify.webhook_secret import parse_secret
from tests.core.notify.conftest import NOW, SECRET

if TYPE_CHECKING:
    from app.core.notify.outgoing import Outgoing
    from tests.core.notify.receivers import Receiver


def test_the_signature_is_that_of_the_reference_implementations() -> None:
    """The vector of https://github.com/standard-webhooks/standard-webhooks and of Svix."""
    signature = sign(
        SECRET, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=b'{"test": 2432232314}'
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_says_what_happened_and_proves_who_says_it(
    outgoing: Outgoing, receiver: Receiver, make_notification: Any
) -> None:
    notification = make_notification(link="https://slip.example/ack/x", data={"incident_id": "inc_1"})

    Webhooks(outgoing, SECRET).send(parse_target(receiver.url), notification, NOW + timedelta(hours=1))

    (received,) = receiver.received
    timestamp = int(received.headers["webhook-timestamp"])
    assert received.headers["webhook-id"] == "ntf_1"
    assert timestamp == int(NOW.timestamp()) + 3_600  # Of the attempt, so that a receiver may refuse old ones.
    assert received.headers["webhook-signature"] == sign(
        SECRET, message_id="ntf_1", timestamp=timestamp, body=received.body
    )
    assert json.loads(received.body) == {
        "type": "incident.firing",
        "timestamp": "2026-11-22T12:00:00Z",
        "data": {
            "id": "ntf_1",
            "subject": "incident-1",
            "severity": "page",
            "service": "checkout",
            "title": "checkout: availability burns",
            "text": "14.4 times too fast.",
            "link": "https://slip.example/ack/x",
            "incident_id": "inc_1",
        },
    }


@pytest.mark.parametrize("text", ["", "hunter2", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64 at all, is it?"])
def test_a_secret_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        parse_secret(text)
