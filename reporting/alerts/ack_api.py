"""`/ack/…`: the page behind the link of a notification. A GET asks and changes nothing; only the form's POST does.

Mail servers and chat services open every link to look for malice, so a link that acts would be acted on by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from flask import Blueprint, request

from app.core.clock import CLOCK
from app.core.http.body import read_body
from app.core.http.link_page import LARGEST_FORM, link_page
from app.core.http.operations import describe
from app.core.http.recording import LINK, recorded_otherwise
from reporting.alerts.ack_links import LinkError

if TYPE_CHECKING:
    from flask import Response

    from app.core.http.guard import Guard
    from reporting.alerts.acknowledging import Acknowledging
    from reporting.alerts.incident import Incident

_LONGEST_NAME = 80
_NOBODY = "somebody with the link"
_GONE = "This link holds no longer, or never has. Look at the alert itself, or wait for the next notification."


def blueprint(acknowledging: Acknowledging, guard: Guard) -> Blueprint:
    """Return the routes of the page. Whoever guesses links is held off as one who guesses keys; a link that holds never is."""
    routes = Blueprint("ack", __name__)

    def nothing() -> Response:
        guard.visit(request.environ).failed()
        return _page("Nothing to acknowledge", _GONE, status=404)

    @routes.get("/ack/<token>")
    @guard.public
    @describe(None)
    def ask(token: str) -> Response:
        try:
            incident = acknowledging.look(token, CLOCK.now())
        except LinkError:
            return nothing()
        if incident.resolved_at is not None:
            return _page("It is over", "There is nothing left to do.", incident=incident)
        if incident.acknowledged_at is not None:
            return _page("Somebody is on it", "You may say so as well.", incident=incident, asks=True)
        text = "Whoever else was told will hear that you are on it, and nobody is told again of what fires now."
        return _page("Are you on it?", text, incident=incident, asks=True)

    @routes.post("/ack/<token>")
    @guard.public
    @recorded_otherwise("The incident is known to the link alone, so the view records it.")
    @describe(None)
    def acknowledge(token: str) -> Response:
        name = _name(read_body(request, limit=LARGEST_FORM))
        try:
            incident_id = acknowledging.look(token, CLOCK.now()).incident_id
        except LinkError:
            return nothing()
        with guard.change(LINK, "incidents.acknowledge", incident_id, by=name):
            incident = acknowledging.acknowledge(incident_id, CLOCK.now(), by=name)
        return _page("Thank you", "It is noted that you are on it.", incident=incident)

    return routes


def _name(body: bytes) -> str:
    """Read the name from the form; whatever it is, it is one printable line."""
    fields = parse_qs(body.decode("utf-8", "replace"))  # As many as fit into `LARGEST_FORM`.
    text = fields.get("name", [""])[0]
    name = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return f"{name[:_LONGEST_NAME]} (by link)" if name else _NOBODY


def _page(
    title: str, text: str, *, incident: Incident | None = None, asks: bool = False, status: int = 200
) -> Response:
    return link_page(
        "reporting.alerts", "ack.html", title=title, text=text, incident=incident, asks=asks, status=status
    )
