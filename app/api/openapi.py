"""The OpenAPI 3.1 document, made of what the views say of themselves."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from app.core.http.edge import route_of, spoken
from app.core.http.guard import authorisation_of
from app.core.http.operations import HeaderField, operation_of
from app.core.http.rendering import CONTENT_TYPE as PROBLEM_JSON
from app.core.http.rendering import WAITING
from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flask import Flask

    from app.core.http.operations import Answer, Content, Operation, Parameter

_FIRST = ("Events", "Summaries")
_LAST = ("Operations", "About")
_AUTOMATIC = frozenset({"HEAD", "OPTIONS"})
_ALWAYS = (ProblemType.INTERNAL_ERROR, ProblemType.OVERLOADED, ProblemType.MALFORMED_REQUEST)
_GUARDED = (
    ProblemType.UNAUTHORIZED,
    ProblemType.FORBIDDEN,
    ProblemType.DEPENDENCY_UNAVAILABLE,
    ProblemType.TIMEOUT,
)
_WITH_BODY = (ProblemType.CONTENT_TOO_LARGE, ProblemType.REQUEST_TIMEOUT)
_WITH_PARAMETER = (ProblemType.NOT_FOUND,)
_RETRY_AFTER = HeaderField(
    about="Seconds until it is worth another try, a little different for everybody.", example="3"
)
_EXAMPLES: dict[ProblemType, dict[str, Any]] = {
    ProblemType.RATE_LIMIT_EXCEEDED: {
        "detail": "1000 events are more than the 250 that are left; 60000 a minute are allowed.",
        "retry_after": 2,
        "limit": "events_per_minute",
        "resets_at": "2026-11-22T10:17:02.750000Z",
    },
    ProblemType.QUOTA_EXCEEDED: {
        "detail": "100 events are more than the 0 that are left of 500000 for this day (UTC).",
        "retry_after": 49_378,
        "limit": "daily_quota",
        "resets_at": "2026-11-23T00:00:00Z",
    },
    ProblemType.CIRCUIT_OPEN: {"retry_after": 31, "limit": "circuit", "resets_at": "2026-11-22T10:17:30Z"},
    ProblemType.OVERLOADED: {"retry_after": 7, "limit": "queue"},
}
_REFERENCE = "#/components/schemas/{name}"

_SCHEMA_OF_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Names the problem; a page explains it."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong with this request."},
        "request_id": {"type": "string", "description": "Also in the header `X-Request-Id`, and in our logs."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "index": {"type": "integer", "description": "Of the event in the batch, from 0."},
                    "field": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
        "retry_after": {"type": "integer", "description": "Seconds, as in the header `Retry-After`."},
        "limit": {"type": "string", "description": "Which limit refused."},
        "resets_at": {"type": "string", "format": "date-time"},
    },
}


def openapi_document(app: Flask, *, base_url: str) -> dict[str, Any]:
    """Return the document as plain values. Raises `LookupError` when a view does not say what it does."""
    described = list(_described(app))
    shapes = [content.shape for _, _, operation, _ in described for content in _contents(operation)]
    types = [shape for shape in shapes if not isinstance(shape, dict)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    known = {id(shape): schema for shape, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for path, method, operation, rule in described:
        paths.setdefault(path, {})[method.lower()] = _operation(operation, path, rule, known, base_url)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Slipstream",
            "version": version("slipstream"),
            "description": "Events in, exactly once. Every refusal is a problem of RFC 9457 with a `type` to look up.",
        },
        "servers": [{"url": base_url}],
        "tags": [
            {"name": name} for name in sorted({operation.tag for _, _, operation, _ in described}, key=_reading_order)
        ],
        "paths": paths,
        "components": {
            "schemas": components | {"Problem": _SCHEMA_OF_PROBLEM},
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`Authorization: Bearer <api key>`; a key belongs to one account and has scopes.",
                }
            },
        },
    }


def _reading_order(tag: str) -> tuple[int, str]:
    """What everybody needs comes first, and what few need last."""
    return (_FIRST.index(tag) - len(_FIRST) if tag in _FIRST else int(tag in _LAST), tag)


def _described(app: Flask) -> Iterator[tuple[str, str, Operation, str]]:
    """Every route and method of the API in the order in which the views were written, with its operation and its rule."""
    places = {endpoint: place for place, endpoint in enumerate(app.view_functions)}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: places[rule.endpoint]):
        view = app.view_functions[rule.endpoint]
        operation = operation_of(view)
        if operation is not None:
            for method in sorted((rule.methods or set()) - _AUTOMATIC):
                yield route_of(rule), method, operation, authorisation_of(view) or ""


def _contents(operation: Operation) -> Iterator[Content]:
    yield from operation.body
    for answer in operation.answers:
        yield from answer.content


def _operation(operation: Operation, path: str, rule: str, known: Mapping[int, Any], base_url: str) -> dict[str, Any]:
    guarded = rule != "public"
    described: dict[str, Any] = {
        "summary": operation.summary,
        "description": operation.about + (f"\n\nNeeds the {rule.replace(' ', ' `', 1)}`." if guarded else ""),
        "tags": [operation.tag],
        "security": [{"key": []}] if guarded else [],
        "responses": {str(answer.status): _answer(answer, operation, known) for answer in operation.answers},
    }
    if operation.parameters:
        described["parameters"] = [_parameter(parameter) for parameter in operation.parameters]
    if operation.body:
        described["requestBody"] = {"required": True, "content": _content(operation.body, known)}
    problems: dict[int, list[ProblemType]] = {}
    for problem in dict.fromkeys(problems_of(operation, path, guarded=guarded)):
        problems.setdefault(problem.status, []).append(problem)
    for status, types in sorted(problems.items()):
        described["responses"][str(status)] = _problem_answer(types, operation, base_url)
    return described


def problems_of(operation: Operation, path: str, *, guarded: bool) -> tuple[ProblemType, ...]:
    """Return every problem that an operation may answer with: its own, and those that follow from its kind."""
    return (
        *operation.problems,
        *(_GUARDED if guarded else ()),
        *(_WITH_BODY if operation.body else ()),
        *(_WITH_PARAMETER if "{" in path else ()),
        *_ALWAYS,
    )


def _answer(answer: Answer, operation: Operation, known: Mapping[int, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.about}
    if answer.content:
        described["content"] = _content(answer.content, known)
    headers = {"X-Request-Id": "Names the request."} | dict(answer.headers)
    described["headers"] = {
        name: {"description": about, "schema": {"type": "string"}} for name, about in headers.items()
    } | _fields(operation.headers)
    return described


def _fields(headers: Mapping[str, HeaderField]) -> dict[str, Any]:
    return {
        name: {"description": header.about, "schema": {"type": "string"}, "example": header.example}
        for name, header in headers.items()
    }


def _content(contents: tuple[Content, ...], known: Mapping[int, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {}
    for content in contents:
        schema = content.shape if isinstance(content.shape, dict) else known[id(content.shape)]
        media: dict[str, Any] = {"schema": schema}
        if content.example is not None:
            media["example"] = content.example
        described[content.content_type] = media
    return described


def _parameter(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": spoken(parameter.name) if parameter.where == "path" else parameter.name,
        "in": parameter.where,
        "description": parameter.about,
        "required": parameter.required or parameter.where == "path",
        "schema": parameter.schema,
    }
    if parameter.example is not None:
        described["example"] = parameter.example
    return described


def _problem_answer(types: list[ProblemType], operation: Operation, base_url: str) -> dict[str, Any]:
    names = {kind.slug: {"summary": kind.title, "value": _example(kind, base_url)} for kind in types}
    described: dict[str, Any] = {
        "description": " · ".join(f"`{kind.slug}`: {kind.title}." for kind in types),
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": names}},
    }
    waits = {"Retry-After": _RETRY_AFTER} if types[0].status in WAITING else {}
    if waits or operation.headers:
        described["headers"] = _fields(waits | dict(operation.headers))
    return described


def _example(kind: ProblemType, base_url: str) -> dict[str, Any]:
    problem = Problem(kind, kind.advice)
    body: dict[str, Any] = {
        "type": f"{base_url}/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "request_id": "5f1c9a07d2e4b836-0000002a",
    }
    if kind.status in WAITING:
        body["retry_after"] = 3
    return body | _EXAMPLES.get(kind, {})
