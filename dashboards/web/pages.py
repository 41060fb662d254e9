"""Makes pages of templates. A page is a view in `dashboards/web/<subject>.py` and a template in `templates/<subject>/`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, ParamSpec
from urllib.parse import quote
from zoneinfo import ZoneInfo

from flask import Blueprint, g, redirect, request
from jinja2 import Environment, PackageLoader, StrictUndefined

from app.core.clock import CLOCK
from app.core.http.application import WholeResponse
from app.core.http.rendering import WAITING, retry_after
from app.core.problems import Problem, ProblemType
from app.core.roles import Role
from dashboards.web import formats
from dashboards.web.forms import read_form
from dashboards.web.refilling import refilled
from dashboards.web.session_guard import CSRF_FIELD, CSRF_HEADER, SAFE_METHODS, NotSignedInError, signed_in
from reporting.charts.palette import DARK, LIGHT
from reporting.wording import legible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from werkzeug.wrappers import Response

    from app.core.http.errors import ErrorAnswers
    from dashboards.web.assets import Assets

P = ParamSpec("P")

PREFIX = "/ui"
LOGIN = f"{PREFIX}/login"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}

_REFUSED = frozenset({ProblemType.INVALID_REQUEST, ProblemType.CONFLICT})
"""What whoever filled a form in can mend in it."""


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the menu: where, what it is called, its picture in `macros/icons.html`, and who sees it."""

    path: str
    label: str
    icon: str
    role: Role = Role.VIEWER


MENU = (
    Place("/ui/", "Overview", "home"),
    Place("/ui/slos", "SLOs", "target"),
    Place("/ui/alerts", "Alerts", "bell"),
    Place("/ui/incidents", "Incidents", "flame"),
    Place("/ui/reports", "Reports", "report"),
    Place("/ui/accounts", "Accounts", "people"),
    Place("/ui/queue", "Queue", "queue"),
    Place("/ui/start", "First steps", "start"),
    Place("/ui/users", "Users", "key", Role.ADMIN),
    Place("/ui/audit", "Record", "list", Role.ADMIN),
)


class Pages:
    """Renders templates with what every page has: who is signed in, the menu, the time, and how numbers are written."""

    def __init__(self, assets: Assets, errors: ErrorAnswers, *, timezone: str) -> None:
        self._errors = errors
        self._environment = Environment(
            loader=PackageLoader("dashboards", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_shown,
        )
        self._environment.globals.update(
            asset=assets.address,
            timezone=timezone,
            palettes=[asdict(LIGHT), asdict(DARK)],
            csrf_field=CSRF_FIELD,
            csrf_header=CSRF_HEADER,
            roles=Role,
        )
        self._environment.filters.update(
            count=formats.count,
            short=formats.short,
            percent=formats.percent,
            percent_up=formats.share_up,
            target=formats.target_text,
            burn=formats.burn,
            milliseconds=formats.milliseconds,
            span=formats.span,
            clock=formats.clock_of(ZoneInfo(timezone)),
        )
        self._environment.globals["ratio"] = formats.ratio
        self._environment.globals["ago"] = formats.ago

    def blueprint(self, subject: str) -> Blueprint:
        """Return where the views of a subject are registered; what they raise is answered with a page."""
        routes = Blueprint(f"ui_{subject}", __name__, url_prefix=PREFIX)
        routes.register_error_handler(NotSignedInError, self._sign_in)
        routes.register_error_handler(Exception, self.failure)
        return routes

    def page(
        self, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
    ) -> WholeResponse:
        """Return a page, or a part of one."""
        session = signed_in()
        html = self._environment.get_template(template).render(
            session=session,
            menu=[place for place in MENU if session is not None and session.role.may(place.role)],
            path=request.path,
            now=CLOCK.now(),
            **context,
        )
        all_headers = {**HEADERS, **(headers or {})}
        return WholeResponse(html, status, all_headers, content_type="text/html; charset=utf-8")

    @staticmethod
    def go(path: str) -> Response:
        """Send the browser to another page, after a form did what it should."""
        return redirect(path, 303, Response=WholeResponse)

    def failure(self, error: Exception) -> Response:
        """Answer with a page that says what went wrong."""
        problem = self._errors.understood(error)
        g.reason = problem.type.slug
        headers: dict[str, str] = {}
        if problem.type.status in WAITING:
            headers["Retry-After"] = str(retry_after(problem.retry_after, problem.jitter_s))
        return self.page(
            "errors/problem.html",
            status=problem.type.status,
            headers=headers,
            problem=problem,
            request_id=g.get("request_id", ""),
        )

    @staticmethod
    def refused_on(page: Callable[..., Response]) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
        """Show a form that is refused again on its page: as it was filled in, with each error beside its field.

        `page` makes that page; of what is in the form's own address it gets what it knows by name.
        """
        known = signature(page).parameters

        def decorate(view: Callable[P, Response]) -> Callable[P, Response]:
            @wraps(view)
            def shown(*args: P.args, **kwargs: P.kwargs) -> Response:
                try:
                    return view(*args, **kwargs)
                except Problem as problem:
                    if problem.type not in _REFUSED:
                        raise
                    response = page(**{name: value for name, value in kwargs.items() if name in known})
                    html = refilled(response.get_data(as_text=True), request.path, read_form().fields, problem)
                    if html is None:
                        raise
                    g.reason = problem.type.slug
                    response.set_data(html)
                    response.status_code = problem.type.status
                    return response

            return shown

        return decorate

    def _sign_in(self, _error: NotSignedInError) -> Response:
        """Ask who it is; a page that is open in a browser is sent there as well."""
        g.reason = ProblemType.UNAUTHORIZED.slug
        if "HX-Request" in request.headers:
            return WholeResponse("", 401, {**HEADERS, "HX-Redirect": LOGIN})
        if request.method in SAFE_METHODS:
            wanted = request.full_path.rstrip("?")
            return self.go(LOGIN if wanted == f"{PREFIX}/" else f"{LOGIN}?next={quote(wanted, safe='')}")
        problem = Problem(ProblemType.UNAUTHORIZED, "You are signed in no longer. Sign in, and do it again.")
        return self.page("errors/problem.html", status=401, problem=problem, request_id=g.get("request_id", ""))


def _shown(value: Any) -> Any:
    """Return a text from outside without what would mislead its reader, such as marks that turn its direction."""
    return legible(value) if type(value) is str else value
