"""Letters: mail with a body to look at, files, and a way to get no more of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.notify.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

    from app.core.notify.notification import Letter

    Enclosures = Callable[[str], bytes | None]
    """Returns what a source names; None when it is no longer kept. Raises `DependencyError`."""


def write_letter(message: EmailMessage, letter: Letter, text: str, enclosures: Enclosures | None) -> None:
    """Fill a message whose sender and recipient are there: as text, as HTML for who shows that, and with its files.

    Raises `DeliveryError` when something of it is no longer kept.
    """
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"  # Exchange answers that somebody is away, to nobody.
    if letter.unsubscribe is not None:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    message.set_content(text)
    if letter.body is not None:
        message.add_alternative(_read(letter.body, enclosures).decode(), subtype="html")
    for enclosure in letter.enclosures:
        kind, _, subtype = enclosure.content_type.partition("/")
        content = _read(enclosure.source, enclosures)
        message.add_attachment(content, maintype=kind, subtype=subtype, filename=enclosure.name)


def _read(source: str, enclosures: Enclosures | None) -> bytes:
    content = None if enclosures is None else enclosures(source)
    if content is None:
        raise DeliveryError("what was to be sent is no longer kept", refused=True)
    return content
