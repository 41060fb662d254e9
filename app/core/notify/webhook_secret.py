"""The secret that signs webhooks, as Standard Webhooks writes it."""

from __future__ import annotations

import base64
import binascii

_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)
"""Of the specification: 192 to 512 bits."""


def parse_secret(text: str) -> str:
    """Check a secret, `whsec_` and then base64 of 24 to 64 bytes. Raises `ValueError`."""
    try:
        usable = text.startswith(_PREFIX) and len(key_of(text)) in _KEY_BYTES
    except binascii.Error:
        usable = False
    if not usable:
        raise ValueError(
            "must be whsec_ and then 24 to 64 random bytes in base64: echo whsec_$(openssl rand -base64 32)"
        )
    return text


def key_of(secret: str) -> bytes:
    """Return the key of a secret. Raises `binascii.Error`."""
    return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
