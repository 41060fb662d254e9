"""`/ui/definitions`: what is promised, in OpenSLO: shown as a difference first, then applied, and removed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from app.core.clock import CLOCK
from app.core.problems import Problem, ProblemType
from app.core.roles import Role
from dashboards.web.forms import query, read_form
from reporting.catalogue.catalogue import SeenOtherwiseError
from reporting.definitions.export import export
from reporting.definitions.findings import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Blueprint
    from werkzeug.wrappers import Response

    from app.core.audit import Audit
    from dashboards.web.pages import Pages
    from dashboards.web.session_guard import SessionGuard
    from reporting.catalogue.catalogue import Catalogue
    from reporting.definitions.findings import Finding
    from reporting.slo_difference import AppliedView
    from reporting.slo_service import SLOs

_LONGEST = 300
_NO_SUCH_SLO = "There is no such SLO."
_MOVED = "The text, or what is in force, is another than what you looked at. This is the difference now."


@dataclass(frozen=True, slots=True)
class Planned:
    """What a text would change; `seal` tells whether what is applied is what was looked at."""

    applied: AppliedView
    seal: str


class DefinitionsPage:
    """The page with a text, and with what it would change or what is wrong with it."""

    def __init__(self, pages: Pages, slos: SLOs, catalogue: Catalogue) -> None:
        self._pages = pages
        self._slos = slos
        self._catalogue = catalogue

    def written(self, name: str | None) -> str:
        """Return an SLO in force as it is written; nothing of none."""
        found = [each.written for each in self._catalogue.in_force() if each.name == name]
        if name is not None and not found:
            raise Problem(ProblemType.NOT_FOUND, _NO_SUCH_SLO)
        return export(found) if found else ""

    def plan(self, text: str) -> Planned:
        """Return what a text would change. Raises `DefinitionError`."""
        # The seal first: when something changes in between it is an old one, and nothing is applied unseen.
        seal = self._catalogue.plan(text).seal
        return Planned(self._slos.apply(text, by="", now=CLOCK.now(), dry_run=True), seal)

    def shown(
        self, text: str, *, planned: Planned | None = None, errors: Sequence[Finding] = (), notice: str = ""
    ) -> Response:
        """Return the page; it is refused when there are errors, or a notice."""
        known = sorted(self._catalogue.in_force(), key=lambda each: (each.service, each.name))
        names, gone = {each.name for each in known}, query("removed")
        return self._pages.page(
            "definitions/definitions.html",
            status=422 if errors else 409 if notice else 200,
            text=text,
            planned=planned,
            errors=errors,
            notice=notice,
            known=known,
            value=_value,
            applied=[name for name in (query("applied") or "").split(",") if name in names],
            removed=gone if gone not in names and self._catalogue.find(gone or "") else None,
        )


def blueprint(pages: Pages, guard: SessionGuard, audit: Audit, page: DefinitionsPage, slos: SLOs) -> Blueprint:
    """Return the routes of definitions."""
    routes = pages.blueprint("definitions")

    @routes.get("/definitions")
    @guard.role(Role.MANAGER)
    def ask() -> Response:
        return page.shown(page.written(query("slo")))

    @routes.post("/definitions/difference")
    @guard.role(Role.MANAGER)
    def difference() -> Response:
        text = _text()
        try:
            return page.shown(text, planned=page.plan(text))
        except DefinitionError as error:
            return page.shown(text, errors=error.findings)

    @routes.post("/definitions")
    @guard.role(Role.MANAGER)
    def apply() -> Response:
        text, actor = _text(), guard.actor()
        try:
            planned = page.plan(text)
            seal = read_form().text("seal")
            if planned.seal != seal:
                return page.shown(text, planned=planned, notice=_MOVED)
            names = ",".join(each.name for each in planned.applied.slos)
            with audit.change(actor, "slos.apply", names.replace(",", ", "), now=datetime.now(UTC)):
                slos.apply(text, by=actor.name, now=CLOCK.now(), seal=seal)
        except SeenOtherwiseError:
            return page.shown(text, planned=page.plan(text), notice=_MOVED)
        except DefinitionError as error:
            return page.shown(text, errors=error.findings)
        return pages.go(f"/ui/definitions?applied={names}")

    @routes.post("/slos/<name>/remove")
    @guard.role(Role.MANAGER)
    def remove(name: str) -> Response:
        actor = guard.actor()
        with audit.change(actor, "slos.remove", name, now=datetime.now(UTC)):
            if not slos.remove(name, by=actor.name, now=CLOCK.now()):
                raise Problem(ProblemType.NOT_FOUND, _NO_SUCH_SLO)
        return pages.go(f"/ui/definitions?removed={quote(name)}")

    return routes


def _text() -> str:
    """Return the text as it was typed: the space before its first line may be part of it."""
    return read_form().raw("text").replace("\r\n", "\n")


def _value(value: Any) -> str:
    """Return a value of a definition as a short text."""
    if value is None:
        return "\u2013"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
