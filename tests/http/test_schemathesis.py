"""Every operation of `/openapi.json`, with requests as it describes them and with others, by whoever may call it."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from schemathesis import Case
    from schemathesis.schemas import APIOperation

    from app.core.settings import Settings
    from tests.conftest import World

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "6"))
"""`make fuzz` takes many more."""
PATHS = [
    "/events",
    "/batches/07n-1-0",
    "/accounts/acme/summary",
    "/accounts",
    "/keys",
    "/tiers",
    "/docs",
    "/livez",
    "//",
    "/%00",
]
SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)


def explore(operation: APIOperation[Any, Any, Any], mode: GenerationMode, tokens: list[str]) -> None:
    """Send what the operation's description makes up, the same in every run, as everybody, and check what comes back."""

    @seed(2026)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=SLOW_IS_FINE,
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers_as_described(case: Case) -> None:
        for token in tokens:
            response = case.call(headers={"Authorization": f"Bearer {token}"})
            case.validate_response(response, checks=CHECKS)

    answers_as_described()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["as described", "otherwise"])
def test_no_request_is_answered_otherwise_than_described(
    client: FlaskClient, world: World, settings: Settings, mode: GenerationMode, subtests: pytest.Subtests
) -> None:
    tokens = [world.alice.key, str(settings.admin_token), "nobody's"]
    described = schemathesis.openapi.from_wsgi("/openapi.json", client.application)

    for found in described.get_all_operations():
        operation = found.ok()
        # An operation without parameters and body cannot be called otherwise than described.
        with subtests.test(operation.label), suppress(Unsatisfiable):
            explore(operation, mode, tokens)


@seed(2026)
@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]),
    path=st.sampled_from(PATHS) | st.text(max_size=20).map(lambda text: f"/{quote(text)}"),
    query=st.text(max_size=20).map(quote) | st.just("window=1h"),
    content_type=st.sampled_from(["application/json", "application/cloudevents+json", "text/plain", "", ";;"]),
    encoding=st.sampled_from(["", "gzip", "zstd", "gzip, gzip"]),
    body=st.binary(max_size=60) | st.sampled_from([b"{}", b"[]", b'{"events": [{}]}', b"null", b'"\\ud800"']),
)
def test_no_request_at_all_is_a_mistake_of_ours(
    client: FlaskClient,
    world: World,
    method: str,
    path: str,
    query: str,
    content_type: str,
    encoding: str,
    body: bytes,
) -> None:
    headers = {"Authorization": f"Bearer {world.alice.key}", "Content-Encoding": encoding}

    response = client.open(f"{path}?{query}", method=method, data=body, content_type=content_type, headers=headers)

    assert response.status_code < 500
    if response.status_code >= 400 and method != "HEAD":
        assert response.content_type == "application/problem+json"
        assert response.json is not None
        assert response.json["status"] == response.status_code
