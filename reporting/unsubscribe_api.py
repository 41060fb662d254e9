"""`/unsubscribe/…`: the link in a report's mail.

A GET asks and changes nothing; a POST, from the page or by one click of a mail program (RFC 8058), takes its reader off the
list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, request

from app.core.clock import CLOCK
from app.core.http.body import read_body
from app.core.http.link_page import LARGEST_FORM, link_page
from app.core.http.operations import describe
from app.core.http.recording import LINK, recorded_otherwise
from reporting.reports.subscription_links import LinkError

if TYPE_CHECKING:
    from flask import Response

    from app.core.http.guard import Guard
    from reporting.reports.subscriptions_service import Subscriptions

_GONE = "This link holds no longer, or never has. You get no more of the reports that it was for."


def blueprint(subscriptions: Subscriptions, guard: Guard) -> Blueprint:
    """Return the routes of the page. Whoever guesses links is held off as one who guesses keys; a link that holds never is."""
    routes = Blueprint("unsubscribe", __name__)

    def nothing() -> Response:
        guard.visit(request.environ).failed()
        return _page("Nothing to leave", _GONE, status=404)

    @routes.get("/unsubscribe/<token>")
    @guard.public
    @describe(None)
    def ask(token: str) -> Response:
        try:
            subscription, address = subscriptions.look(token, CLOCK.now())
        except LinkError:
            return nothing()
        if address is None:
            return _page("You are not on the list", "You get no more of these reports.")
        rhythm = subscription.rhythm
        about = f"the {rhythm.kind} reports of {rhythm.scope.service or 'all services'}"
        return _page("No more of these reports?", f"{address} gets {about}.", asks=True)

    @routes.post("/unsubscribe/<token>")
    @guard.public
    @recorded_otherwise("The subscription is known to the link alone, so the view records it.")
    @describe(None)
    def leave(token: str) -> Response:
        read_body(request, limit=LARGEST_FORM)
        try:
            subscription_id = subscriptions.named(token, CLOCK.now())
        except LinkError:
            return nothing()
        with guard.change(LINK, "subscriptions.leave", subscription_id):
            subscriptions.leave(token, CLOCK.now())
        return _page("Done", "You get no more of these reports.")

    return routes


def _page(title: str, text: str, *, asks: bool = False, status: int = 200) -> Response:
    return link_page("reporting", "unsubscribe.html", title=title, text=text, asks=asks, status=status)
