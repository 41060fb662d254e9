"""Who may see or do what on the web pages. Every view says so with `role`; an app with a view that does not is not built.

A page takes the cookie of a session and nothing else: an API key in the header is as good as none. Whatever changes
something needs the session's token as well, in the form or in the header that scripts send.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from flask import g, request

from app.core.audit_entry import Actor
from app.core.http.guard import marked
from app.core.http.operations import describe
from app.core.problems import Problem, ProblemType
from app.core.sessions_service import LONGEST
from dashboards.web.forms import read_form

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response

    from app.core.http.addresses import ClientAddresses
    from app.core.roles import Role
    from app.core.sessions_service import Session, Sessions

P = ParamSpec("P")
R = TypeVar("R")

CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITE = frozenset({"same-origin", "none"})


class NotSignedInError(Exception):
    """Nobody is signed in, or is no longer."""


class SessionGuard:
    """Declares the rule of a page and holds it."""

    def __init__(self, sessions: Sessions, addresses: ClientAddresses, *, https: bool) -> None:
        self._sessions = sessions
        self._addresses = addresses
        self._https = https
        # With the prefix browsers refuse the cookie unless it is secure and of this host alone.
        self.cookie = "__Host-slipstream" if https else "slipstream"

    def role(self, needed: Role) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Let in who is signed in and has this role."""

        def decorate(view: Callable[P, R]) -> Callable[P, R]:
            @wraps(view)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                session = self.session()
                if session is None:
                    raise NotSignedInError
                g.session = session
                if request.method not in SAFE_METHODS:
                    check_csrf(session.csrf)
                if not session.role.may(needed):
                    detail = f"This needs the role {needed}, and you have the role {session.role}."
                    raise Problem(ProblemType.FORBIDDEN, detail)
                if any("\0" in value for value in kwargs.values() if isinstance(value, str)):
                    raise Problem(ProblemType.NOT_FOUND, "There is nothing at this address.")
                return view(*args, **kwargs)

            return describe(None)(marked(guarded, f"session {needed}"))

        return decorate

    @staticmethod
    def public(view: Callable[P, R]) -> Callable[P, R]:
        """Let everybody in."""
        return describe(None)(marked(view, "public"))

    def session(self) -> Session | None:
        """Return the session of this request's cookie, if it has one that holds."""
        session_id = request.cookies.get(self.cookie)
        return None if session_id is None else self._sessions.find(session_id, datetime.now(UTC))

    def open(self, response: Response, username: str) -> None:
        """Begin a session, and give the browser its cookie."""
        session_id = self._sessions.open(username, datetime.now(UTC), by=self.actor(username))
        self.set_cookie(response, self.cookie, session_id, max_age_s=int(LONGEST.total_seconds()))

    def close(self, response: Response) -> None:
        """End the session of this request."""
        self._sessions.close(request.cookies[self.cookie], datetime.now(UTC), by=self.actor())
        self.set_cookie(response, self.cookie, "", max_age_s=0)

    def set_cookie(self, response: Response, name: str, value: str, *, max_age_s: int) -> None:
        """Give the browser a cookie that no script reads, and no other site's form brings along."""
        response.set_cookie(name, value, max_age=max_age_s, path="/", secure=self._https, httponly=True, samesite="Lax")

    def actor(self, name: str | None = None) -> Actor:
        """Return who does something in this request, for the record."""
        address = self.address or request.environ.get("REMOTE_ADDR", "")
        return Actor(name or g.session.username, address, g.get("request_id", ""))

    @staticmethod
    def may(needed: Role) -> bool:
        """Tell whether whoever is signed in has a role, where that depends on what he asks for."""
        session: Session = g.session
        return session.role.may(needed)

    @property
    def address(self) -> str | None:
        """Where this request comes from, None when that cannot be told."""
        return self._addresses.firmly(request.environ)


def check_csrf(expected: str) -> None:
    """Raise `Problem` (forbidden) unless this request comes from a page of ours."""
    site = request.headers.get("Sec-Fetch-Site")
    given = request.headers.get(CSRF_HEADER) or read_form().raw(CSRF_FIELD)
    same = hmac.compare_digest(given.encode("utf-8", "backslashreplace"), expected.encode())
    if not same or (site is not None and site not in _OWN_SITE):
        raise Problem(ProblemType.FORBIDDEN, "This form is no longer good, or it was not ours. Go back and try again.")


def signed_in() -> Any:
    """Return the session of this request; None on pages for everybody."""
    return g.get("session")
