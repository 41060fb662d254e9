"""Makes the Flask app of blueprints that are already put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.api.docs import docs_blueprint
from app.core.http.application import Application
from app.core.http.edge import DEADLINE_S, Edge, NoRecorder
from app.core.http.guard import require_rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Blueprint

    from app.core.http.body import BodyReaders
    from app.core.http.edge import RequestRecorder


def create_app(
    blueprints: Iterable[Blueprint],
    *,
    readers: BodyReaders,
    base_url: str,
    recorder: RequestRecorder | None = None,
    deadline_s: float = DEADLINE_S,
) -> Application:
    """Return the app, with `/openapi.json`, `/docs` and a page for each problem type besides what the blueprints bring.

    Raises `LookupError` when a view does not say who may call it.
    """
    app = Application(__name__, static_folder=None)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    app.register_blueprint(docs_blueprint(app, base_url=base_url.rstrip("/")))
    require_rules(app)
    Edge(app, readers=readers, recorder=recorder or NoRecorder(), base_url=base_url.rstrip("/"), deadline_s=deadline_s)
    return app
