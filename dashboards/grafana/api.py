"""`/dashboards/{name}.json`: Grafana's dashboards, with the SLOs in force in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from app.core.http.operations import Answer, Content, Operation, Parameter, describe
from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.http.guard import Guard
    from reporting.definitions.definition import Definition

NAMES = tuple(
    f"{subject}-{source}"
    for source in ("prometheus", "postgresql")
    for subject in ("overview", "slo-detail", "ingestion", "accounts")
)
_EXAMPLE = {"uid": "slipstream-overview-prometheus", "title": "Slipstream", "schemaVersion": 41, "panels": []}
SHOW = Operation(
    summary="Grafana dashboard",
    about=(
        "A dashboard to import into Grafana 11 or newer, for the data source that its name ends with. "
        "PostgreSQL's have the SLOs in force written into their queries: import them again when SLOs were changed. "
        "`slipstream dashboards export` writes all of them, and what provisions them."
    ),
    tag="Dashboards",
    parameters=(
        Parameter(
            name="name",
            where="path",
            about="Subject and data source.",
            required=True,
            schema={"type": "string", "enum": list(NAMES)},
            example=NAMES[0],
        ),
    ),
    answers=(
        Answer(
            status=200,
            about="The dashboard's JSON model.",
            content=(
                Content(
                    shape={"type": "object", "required": ["uid", "title", "panels", "schemaVersion"]}, example=_EXAMPLE
                ),
            ),
        ),
    ),
)


def blueprint(in_force: Callable[[], list[Definition]], guard: Guard) -> Blueprint:
    """Return the route; `in_force` gives the SLOs, and raises `DependencyError`."""
    routes = Blueprint("grafana", __name__)

    @routes.get("/dashboards/<name>.json")
    @guard.admin
    @describe(SHOW)
    def show_dashboard(name: str) -> Response:
        if name not in NAMES:
            raise Problem(ProblemType.NOT_FOUND, f"There is no such dashboard; there are {', '.join(NAMES)}.")
        # The SDK is hundreds of classes, which no request needs but this one.
        from dashboards.grafana.boards import boards  # noqa: PLC0415
        from dashboards.grafana.export import text_of  # noqa: PLC0415

        return Response(text_of(boards(in_force()).by_name[name].built()), content_type="application/json")

    return routes
