"""What `reporting.slos_api` offers, as OpenAPI needs to hear it."""

from __future__ import annotations

from typing import Any

from app.core.http.operations import Answer, Content, Operation, Parameter
from app.core.problems import ProblemType
from reporting.slo_difference import AppliedView
from reporting.slo_view import SLOList, SLOView

TAG = "SLOs"
YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")


_BUDGET = {"allowed": 1200.5, "consumed": 301, "remaining": 899.5, "remaining_ratio": 0.749271137026239}
_FIGURES: dict[str, Any] = {
    "state": "HEALTHY",
    "sli": 0.9997492711370262,
    "good": 1200199,
    "bad": 301,
    "total": 1200500,
    "budget": _BUDGET,
    "burn_rates": {"5m": 0, "30m": 0, "1h": 0.2, "2h": 0.3, "6h": 0.25, "1d": 0.3, "3d": 0.28},
    "percentiles": {"p50": 3.05, "p95": 18.4, "p99": 61.5},
}
_EXAMPLE: dict[str, Any] = {
    **_FIGURES,
    "name": "availability",
    "display_name": "Availability",
    "service": "slipstream",
    "target": 0.999,
    "window": "30d",
    "budgeting_method": "occurrences",
    "unit": "events",
    "period_start": "2026-10-23T10:18:00Z",
    "period_end": "2026-11-22T10:18:00Z",
    "maintenance_minutes": 0,
    "including_maintenance": _FIGURES,
    "backfilling": False,
    "kept": True,
    "as_of": "2026-11-22T10:17:02.750000Z",
}
_SUCCESS: dict[str, Any] = {
    "name": "success",
    "service": "slipstream",
    "window": "30d",
    "sli": 0.9954185755935027,
    "good": 1195000,
    "total": 1200500,
    "degraded": 4100,
    "degraded_ratio": 0.0034152436484798,
    "period_start": "2026-10-23T10:18:00Z",
    "period_end": "2026-11-22T10:18:00Z",
}
_APPLIED: dict[str, Any] = {
    "dry_run": True,
    "slos": [
        {
            "name": "availability",
            "change": "changed",
            "changes": [{"path": "spec.objectives[0].target", "before": 0.999, "after": 0.9995}],
            "before": {"target": 0.999, "good": 1200199, "total": 1200500, "budget": _BUDGET},
            "after": {
                "target": 0.9995,
                "good": 1200199,
                "total": 1200500,
                "budget": {
                    "allowed": 600.25,
                    "consumed": 301,
                    "remaining": 299.25,
                    "remaining_ratio": 0.498542274052478,
                },
            },
            "exhausts": False,
        }
    ],
    "other_objects": 0,
    "findings": [],
}
_NAME = Parameter(name="name", where="path", about="The name of an SLO.", required=True, example="availability")

LIST = Operation(
    summary="List SLOs",
    about=(
        "How every SLO stands now. Figures leave maintenance out; `including_maintenance` has them with it. "
        "No data is null, and never 100 %. `success` is what nobody promises: of each of their services the share of "
        "requests answered with 2xx, and how many with 429 (`degraded`), maintenance included."
    ),
    tag=TAG,
    answers=(
        Answer(
            status=200,
            about="All SLOs.",
            content=(Content(shape=SLOList, example={"slos": [_EXAMPLE], "success": [_SUCCESS]}),),
        ),
    ),
)
GET = Operation(
    summary="Show an SLO",
    about="How it stands, or with `at` how it stood, by what was promised then.",
    tag=TAG,
    parameters=(
        _NAME,
        Parameter(
            name="at",
            where="query",
            about="An instant that is not in the future.",
            schema={"type": "string", "format": "date-time"},
            example="2026-11-01T00:00:00Z",
        ),
    ),
    answers=(Answer(status=200, about="The SLO.", content=(Content(shape=SLOView, example=_EXAMPLE),)),),
)
APPLY = Operation(
    summary="Apply definitions",
    about=(
        "OpenSLO v1 YAML: SLO, SLI, Service, AlertPolicy, AlertCondition, AlertNotificationTarget. Objects replace those of "
        "the same kind and name; the old target keeps holding for the time before. One mistake refuses the whole text."
    ),
    tag=TAG,
    parameters=(
        Parameter(
            name="dry_run",
            where="query",
            about="Say what it would change, and do nothing.",
            schema={"type": "string", "enum": ["0", "1"], "default": "0"},
        ),
    ),
    body=(Content(shape={"type": "string"}, content_type=YAML_TYPES[0]),),
    answers=(
        Answer(
            status=200,
            about="What has changed, or would.",
            content=(Content(shape=AppliedView, example=_APPLIED),),
        ),
    ),
    problems=(ProblemType.MALFORMED_REQUEST, ProblemType.INVALID_REQUEST, ProblemType.UNSUPPORTED_MEDIA_TYPE),
)
REMOVE = Operation(
    summary="Remove an SLO",
    about="From now on. How it stood before can still be asked for.",
    tag=TAG,
    parameters=(_NAME,),
    answers=(Answer(status=204, about="It is gone."),),
)
