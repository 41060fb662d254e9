"""Addresses that mail may go to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.notify.targets import MAIL_ADDRESS
from app.core.problems import FieldError, Problem, ProblemType

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_RECIPIENTS = 50


def read_recipients(addresses: Sequence[str], field: str) -> tuple[str, ...]:
    """Return addresses, each once. Raises `Problem` that names each one that is none."""
    errors = tuple(
        FieldError("It is not a mail address.", field=f"{field}[{number}]")
        for number, address in enumerate(addresses)
        if not MAIL_ADDRESS.fullmatch(address) or not address.isprintable()
    )
    if errors:
        raise Problem(ProblemType.INVALID_REQUEST, "Not every recipient has a mail address.", errors)
    return tuple(dict.fromkeys(addresses))


def need_mail(*, can_mail: bool) -> None:
    """Raise `Problem` when there is no mail server."""
    if not can_mail:
        raise Problem(ProblemType.CONFLICT, "No mail can be sent: SLIPSTREAM_SMTP_URL is not set.")
