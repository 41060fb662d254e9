"""`/annotations`: deploys, as a pipeline notes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, request

from app.core.clock import CLOCK
from app.core.http.json_body import read_json
from app.core.http.operations import describe
from app.core.http.recording import changes
from app.core.http.rendering import json_response
from reporting.alerts.paging import MOST_ON_A_PAGE, read_id, read_text
from reporting.annotations.annotations_description import ADD, LIST, REMOVE, AnnotationList, AnnotationView
from reporting.annotations.annotations_service import NewAnnotation

if TYPE_CHECKING:
    from app.core.http.guard import Guard
    from reporting.annotations.annotation import Annotation
    from reporting.annotations.annotations_service import Annotations


def blueprint(annotations: Annotations, guard: Guard) -> Blueprint:
    """Return the routes of annotations."""
    routes = Blueprint("annotations", __name__)

    @routes.get("/annotations")
    @guard.admin
    @describe(LIST)
    def list_annotations() -> Response:
        found = annotations.page(service=read_text("service", request.args.get("service")), limit=MOST_ON_A_PAGE)
        return json_response(AnnotationList([_view(each) for each in found]))

    @routes.post("/annotations")
    @guard.admin
    @changes("annotations.add", "service", "kind", "text", "at")
    @describe(ADD)
    def add_annotation() -> Response:
        added = annotations.add(read_json(request, NewAnnotation), CLOCK.now(), by=g.principal.name)
        return json_response(_view(added), 201)

    @routes.delete("/annotations/<annotation_id>")
    @guard.admin
    @changes("annotations.remove", "annotation_id")
    @describe(REMOVE)
    def remove_annotation(annotation_id: str) -> Response:
        annotations.remove(read_id(annotation_id, "annotation"))
        return Response(status=204)

    return routes


def _view(annotation: Annotation) -> AnnotationView:
    return AnnotationView(**{name: getattr(annotation, name) for name in AnnotationView.__struct_fields__})
