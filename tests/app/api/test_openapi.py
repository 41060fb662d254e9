"""The OpenAPI document: all routes, true examples, every problem."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from flask import Blueprint

from app.api.openapi import openapi_document
from app.core.http.body import BodyReaders
from app.core.http.edge import route_of
from app.core.http.guard import Guard, authorisation_of
from app.core.http.operations import operation_of
from app.core.problems import ProblemType
from app.factory import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def app(client: FlaskClient) -> Flask:
    return client.application


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    response = client.get("/openapi.json")
    assert response.json is not None
    return dict(response.json)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_route_is_described(app: Flask, document: dict[str, Any]) -> None:
    routes = {
        f"{method} {route_of(rule)}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if operation_of(app.view_functions[rule.endpoint]) is not None
    }

    assert {name for name, _ in operations(document)} == routes
    assert {"POST /events", "GET /batches/{batch_id}", "GET /accounts/{id}/summary"} <= routes


def test_a_view_that_does_not_say_what_it_does_is_found() -> None:
    routes = Blueprint("test", __name__)
    routes.add_url_rule("/mute", view_func=Guard.public(lambda: ""), endpoint="mute")
    app = create_app([routes], readers=BodyReaders(deadline_s=1, most=1), base_url="http://127.0.0.1")

    with pytest.raises(LookupError, match="does not say what it does"):
        openapi_document(app, base_url="http://127.0.0.1")


def media(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, operation in operations(document):
        for content_type, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{name} {content_type}", content
        for status, response in operation["responses"].items():
            for content_type, content in response.get("content", {}).items():
                yield f"{name} {status} {content_type}", content


def test_every_example_is_as_its_schema_says(document: dict[str, Any]) -> None:
    checked = 0
    for name, content in media(document):
        schema = {"components": document["components"], **content["schema"]}
        validator = jsonschema_rs.Draft202012Validator(schema)
        examples = [content["example"]] if "example" in content else []
        for example in [*examples, *(each["value"] for each in content.get("examples", {}).values())]:
            checked += 1
            assert validator.is_valid(example), (name, [error.message for error in validator.iter_errors(example)])
    assert checked > 50


def test_every_json_body_and_answer_has_an_example(document: dict[str, Any]) -> None:
    bare = [
        name
        for name, content in media(document)
        if name.endswith("json") and "example" not in content and "examples" not in content
    ]

    # Whole documents, whose schema says more than a page of example.
    documents = ("GET /openapi.json", "GET /reports/{report_id}.json")
    assert sorted(bare) == [f"{document} 200 application/json" for document in documents]


def test_every_parameter_of_a_path_is_described(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        described = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
        assert described == set(re.findall(r"{(\w+)}", name)), name


def test_who_may_call_is_said(app: Flask, document: dict[str, Any]) -> None:
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if operation_of(view) is None:
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            operation = document["paths"][route_of(rule)][method.lower()]
            public = authorisation_of(view) == "public"
            assert operation["security"] == ([] if public else [{"key": []}])
            assert ("401" in operation["responses"]) is not public


def test_every_problem_of_the_door_is_documented(document: dict[str, Any]) -> None:
    responses = document["paths"]["/events"]["post"]["responses"]
    documented = {
        slug
        for response in responses.values()
        for content in response["content"].values()
        for slug in content.get("examples", {})
    }

    elsewhere = {"not-found", "method-not-allowed", "conflict", "invalid-request"}
    assert documented == {kind.slug for kind in ProblemType} - elsewhere
