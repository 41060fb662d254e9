"""`GET /accounts/{id}/usage` and `DELETE /accounts/{id}/circuit`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, Response, g

from app.core.http.guard import NO_SUCH_ACCOUNT
from app.core.http.operations import describe
from app.core.http.recording import changes
from app.core.http.rendering import json_response
from app.core.keys import Scope
from app.core.problems import Problem, ProblemType
from app.domain.shards import ACCOUNT_ID
from ingestion.usage_description import READ_USAGE, RESET_CIRCUIT

if TYPE_CHECKING:
    from app.core.http.guard import Guard
    from ingestion.admission.circuits import Circuits
    from ingestion.usage import Usages


def blueprint(usages: Usages, circuits: Circuits, guard: Guard) -> Blueprint:
    """Return the routes of limits."""
    routes = Blueprint("usage", __name__)

    @routes.get("/accounts/<account_id>/usage")
    @guard.scope(Scope.SUMMARY_READ)
    @describe(READ_USAGE)
    def read_usage(account_id: str) -> Response:
        usage = usages.of(account_id, datetime.now(UTC)) if ACCOUNT_ID.fullmatch(account_id) else None
        if usage is None:
            raise Problem(ProblemType.NOT_FOUND, NO_SUCH_ACCOUNT)
        return json_response(usage)

    @routes.delete("/accounts/<account_id>/circuit")
    @guard.admin
    @changes("circuits.reset", "account_id")
    @describe(RESET_CIRCUIT)
    def reset_circuit(account_id: str) -> Response:
        now = datetime.now(UTC)
        if not ACCOUNT_ID.fullmatch(account_id) or usages.of(account_id, now) is None:
            raise Problem(ProblemType.NOT_FOUND, NO_SUCH_ACCOUNT)
        circuits.reset(account_id, now, by=g.principal.key_id)
        return Response(status=204)

    return routes
