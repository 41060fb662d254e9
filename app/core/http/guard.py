"""Who may call a view. Every view says so with one of these decorators; an app with a view that does not is not built."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from flask import g, request

from app.core.http.doorstep import OPEN
from app.core.http.express import About
from app.core.http.recording import NO_RECORD, SAFE_METHODS, Change, change_of
from app.core.keys import Scope
from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from wsgiref.types import WSGIEnvironment

    from flask import Flask

    from app.core.authentication import Principal
    from app.core.http.doorstep import Doorstep, Visit
    from app.core.http.recording import Recorder

P = ParamSpec("P")
R = TypeVar("R")

NO_SUCH_ACCOUNT = "There is no such account."
"""The answer for an account that is not there and for one that is another's, word for word the same."""


class Authenticates(Protocol):
    """Finds out whom an `Authorization` header stands for. Raises `Problem` (unauthorized), and `DependencyError`."""

    def authenticate(self, authorization: str | None, now: datetime) -> Principal: ...


class Guard:
    """Declares the rule of a view and holds it, and records what those who were let in change."""

    def __init__(self, authenticator: Authenticates, doorstep: Doorstep = OPEN, recorder: Recorder = NO_RECORD) -> None:
        self._authenticator = authenticator
        self._doorstep = doorstep
        self._recorder = recorder

    def scope(self, scope: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Let in who has this scope, and operators. A view with an `account_id` is for that account's own keys."""

        def decorate(view: Callable[P, R]) -> Callable[P, R]:
            change = change_of(view)

            @wraps(view)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                principal = self.check(scope)
                self.check_own(principal, kwargs.get("account_id", principal.account_id))
                found = change.of_request(kwargs) if isinstance(change, Change) else None
                if found is None or not isinstance(change, Change):
                    return view(*args, **kwargs)
                with self.change(principal.name, change.action, found[0], **found[1]):
                    return view(*args, **kwargs)

            return marked(guarded, f"scope {scope}")

        return decorate

    def admin(self, view: Callable[P, R]) -> Callable[P, R]:
        """Let in operators alone."""
        return self.scope(Scope.ADMIN)(view)

    @staticmethod
    def public(view: Callable[P, R]) -> Callable[P, R]:
        """Let everybody in."""
        return marked(view, "public")

    @staticmethod
    def by_view(scope: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Leave it to an express view to let in who has this scope: by `check_for` and `check_own`, or a script that does the same."""
        return lambda view: marked(view, f"scope {scope}")

    @staticmethod
    def by_admission(view: Callable[P, R]) -> Callable[P, R]:
        """Leave it to the admission script, which checks the key together with everything else."""
        return marked(view, f"scope {Scope.EVENTS_WRITE}")

    def change(self, name: str, action: str, subject: str, /, **detail: Any) -> AbstractContextManager[None]:
        """Record a change of this request, for a view that does not say it beforehand."""
        return self._recorder.change(name, action, subject, **detail)

    def check(self, scope: str) -> Principal:
        """Return who is calling. Raises `Problem` when that is nobody we know, or he has neither this scope nor `admin`."""
        about = About()
        try:
            principal = self.check_for(request.environ, scope, about)
        finally:
            g.account_id, g.tier = about.account_id, about.tier
        g.principal = principal
        return principal

    @staticmethod
    def check_own(principal: Principal, account_id: object) -> None:
        """Raise `Problem` when an account is not the caller's own, unless he is an operator."""
        if account_id != principal.account_id and not principal.has(Scope.ADMIN):
            raise Problem(ProblemType.NOT_FOUND, NO_SUCH_ACCOUNT)

    def visit(self, environ: WSGIEnvironment) -> Visit:
        """Let the sender of a request have his key looked at, or raise `Problem`: see `Doorstep`."""
        return self._doorstep.enter(environ)

    def check_for(self, environ: WSGIEnvironment, scope: str, about: About, visit: Visit | None = None) -> Principal:
        """Do the same for an express view, whose visit may have begun before, and note in `about` who it is."""
        visit = visit or self.visit(environ)
        try:
            principal = self._authenticator.authenticate(environ.get("HTTP_AUTHORIZATION"), datetime.now(UTC))
        except Problem:
            visit.failed()
            raise
        visit.known()
        about.account_id, about.tier = principal.account_id, principal.tier or ""
        if not principal.has(scope) and not principal.has(Scope.ADMIN):
            raise Problem(ProblemType.FORBIDDEN, f"The key lacks the scope {scope}.")
        return principal


def authorisation_of(view: Callable[..., Any]) -> str | None:
    """Return the rule that a view declares: `public`, `scope <name>` or `session <role>`."""
    rule: str | None = getattr(view, "authorisation", None)
    return rule


def require_rules(app: Flask) -> None:
    """Raise `LookupError` when a view declares no rule, or does not say how its changes are recorded.

    Pages of a session record theirs themselves.
    """
    bare = [endpoint for endpoint, view in app.view_functions.items() if authorisation_of(view) is None]
    if bare:
        raise LookupError(f"these views do not say who may call them: {', '.join(sorted(bare))}")
    changing = {rule.endpoint for rule in app.url_map.iter_rules() if (rule.methods or set()) - SAFE_METHODS}
    views = {endpoint: app.view_functions[endpoint] for endpoint in changing}
    silent = [
        endpoint
        for endpoint, view in views.items()
        if change_of(view) is None and not (authorisation_of(view) or "").startswith("session ")
    ]
    if silent:
        raise LookupError(f"these views do not say what they change: {', '.join(sorted(silent))}")


def marked(view: Callable[P, R], rule: str) -> Callable[P, R]:
    """Let a view say who may call it, for who holds the rule himself."""
    view.authorisation = rule  # type: ignore[attr-defined]  # A function has no declared attributes.
    return view
