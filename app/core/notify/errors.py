"""Why a delivery failed, in words that hold no secret: they are stored, logged and shown."""

from __future__ import annotations


class DeliveryError(Exception):
    """It did not arrive, as far as we know. `refused`: another try will hardly help, until somebody changes something."""

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refused = refused


class ForbiddenAddressError(DeliveryError):
    """The address is none that we send to."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, refused=True)
