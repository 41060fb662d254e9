"""`/openapi.json`, the page that shows it to people, and a page for every type of problem."""

from __future__ import annotations

import base64
import hashlib
import threading
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar

import msgspec
from flask import Blueprint, Response, render_template_string

from app.api.openapi import openapi_document
from app.api.reference import reference
from app.core.http.guard import Guard
from app.core.http.operations import Answer, Content, Operation, Parameter, describe
from app.core.http.rendering import json_response
from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from werkzeug.wrappers import Response as AnyResponse

T = TypeVar("T")

_PROBLEMS = {kind.slug: kind for kind in ProblemType}
_CACHE_CONTROL = {"Cache-Control": "public, max-age=300"}


class ProblemHelp(msgspec.Struct, frozen=True):
    """What a type of problem means, and what to do about it."""

    type: str
    title: str
    status: int
    advice: str


def docs_blueprint(app: Flask, *, base_url: str) -> Blueprint:
    """Return the routes that describe all routes of `app`."""
    blueprint = Blueprint("docs", __name__)

    example = msgspec.to_builtins(_help(ProblemType.RATE_LIMIT_EXCEEDED, base_url))

    @_once
    def document() -> bytes:
        return msgspec.json.encode(openapi_document(app, base_url=base_url))

    @_once
    def page() -> str:
        sections = reference(msgspec.json.decode(document()))
        template = _text("docs.html")
        return render_template_string(
            template, style=_text("docs.css"), sections=sections, problems=ProblemType, base_url=base_url
        )

    @_once
    def page_headers() -> dict[str, str]:
        digest = base64.b64encode(hashlib.sha256(_text("docs.css").encode()).digest()).decode()
        policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"} | _CACHE_CONTROL

    @blueprint.get("/openapi.json")
    @Guard.public
    @describe(
        Operation(
            summary="This description, for machines",
            tag="About",
            answers=(
                Answer(status=200, about="An OpenAPI 3.1 document.", content=(Content(shape={"type": "object"}),)),
            ),
        )
    )
    def openapi() -> AnyResponse:
        return Response(document(), headers=_CACHE_CONTROL, content_type="application/json")

    @blueprint.get("/docs")
    @Guard.public
    @describe(None)
    def docs() -> AnyResponse:
        return Response(page(), headers=page_headers(), content_type="text/html; charset=utf-8")

    @blueprint.get("/problems/<slug>")
    @Guard.public
    @describe(
        Operation(
            summary="What a problem means",
            about="The `type` of every problem that we answer with is the address of its explanation.",
            tag="About",
            parameters=(
                Parameter(
                    name="slug", where="path", about="The end of the problem's `type`.", example="rate-limit-exceeded"
                ),
            ),
            answers=(
                Answer(status=200, about="The explanation.", content=(Content(shape=ProblemHelp, example=example),)),
            ),
        )
    )
    def problem(slug: str) -> AnyResponse:
        kind = _PROBLEMS.get(slug)
        if kind is None:
            raise Problem(ProblemType.NOT_FOUND, "There is no problem of that name.")
        return json_response(_help(kind, base_url), headers=_CACHE_CONTROL)

    return blueprint


def _help(kind: ProblemType, base_url: str) -> ProblemHelp:
    return ProblemHelp(f"{base_url}/problems/{kind.slug}", kind.title, kind.status, kind.advice)


def _once(make: Callable[[], T]) -> Callable[[], T]:
    """Make something at its first use, once: it takes half a second, and a hundred who ask first would each make their own."""
    lock = threading.Lock()
    made = cache(make)

    def get() -> T:
        with lock:
            return made()

    return get


def _text(name: str) -> str:
    return files("app.api").joinpath(name).read_text("utf-8")
