"""What `reporting.annotations.annotations_api` offers, as OpenAPI needs to hear it."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from app.core.http.operations import Answer, Content, Operation, Parameter
from app.core.problems import ProblemType
from reporting.alerts.paging import MOST_ON_A_PAGE
from reporting.annotations.annotation import AnnotationKind
from reporting.annotations.annotations_service import NewAnnotation

_TAG = "Annotations"


class AnnotationView(Struct, frozen=True):
    """What happened to a service."""

    annotation_id: str
    kind: AnnotationKind
    service: str
    at: datetime
    text: str
    author: str


class AnnotationList(Struct, frozen=True):
    """Annotations, the last first."""

    annotations: list[AnnotationView]


_NEW = {"kind": "deploy", "service": "checkout", "text": "checkout 2.3.1", "at": "2026-11-22T10:00:00Z"}
_EXAMPLE = {"annotation_id": "ann_07d2e4b836005f1c9a00", **_NEW, "author": "ops/ab12cd34ef56"}

LIST = Operation(
    summary="List annotations",
    about=f"The last {MOST_ON_A_PAGE}.",
    tag=_TAG,
    parameters=(Parameter(name="service", where="query", about="Of this service alone."),),
    answers=(
        Answer(
            status=200,
            about="Annotations.",
            content=(Content(shape=AnnotationList, example={"annotations": [_EXAMPLE]}),),
        ),
    ),
    problems=(ProblemType.MALFORMED_REQUEST,),
)
ADD = Operation(
    summary="Note a deploy",
    about="Pinned to the charts of the service's SLOs. Repeat it as you like: with the same time and words it is one.",
    tag=_TAG,
    body=(Content(shape=NewAnnotation, example=_NEW),),
    answers=(Answer(status=201, about="It is noted.", content=(Content(shape=AnnotationView, example=_EXAMPLE),)),),
    problems=(ProblemType.MALFORMED_JSON, ProblemType.UNSUPPORTED_MEDIA_TYPE, ProblemType.INVALID_REQUEST),
)
REMOVE = Operation(
    summary="Take an annotation back",
    tag=_TAG,
    parameters=(
        Parameter(
            name="annotation_id",
            where="path",
            about="The id of an annotation.",
            required=True,
            example="ann_07d2e4b836005f1c9a00",
        ),
    ),
    answers=(Answer(status=204, about="It is gone."),),
)
