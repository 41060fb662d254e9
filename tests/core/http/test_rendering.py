"""The members of a problem, and when to come back."""

from __future__ import annotations

import json

import pytest

from app.core.http.rendering import problem_response, retry_after
from app.core.problems import FieldError, Problem, ProblemType


def rendered(problem: Problem) -> dict[str, object]:
    response = problem_response(problem, base_url="https://slipstream.example", request_id="request-1")
    body: dict[str, object] = json.loads(response.data)
    return body


def test_members_that_say_nothing_are_left_out() -> None:
    body = rendered(Problem(ProblemType.NOT_FOUND, "There is no such batch."))

    assert body == {
        "type": "https://slipstream.example/problems/not-found",
        "title": "Nothing here",
        "status": 404,
        "detail": "There is no such batch.",
        "request_id": "request-1",
    }


def test_every_error_says_where_it_is() -> None:
    errors = (FieldError("is missing", "event_id", 3), FieldError("is no object", index=4), FieldError("is odd"))

    body = rendered(Problem(ProblemType.INVALID_EVENTS, "Two.", errors))

    assert body["errors"] == [
        {"index": 3, "field": "event_id", "detail": "is missing"},
        {"index": 4, "detail": "is no object"},
        {"detail": "is odd"},
    ]


def test_a_limit_says_its_name_and_its_end() -> None:
    problem = Problem(ProblemType.QUOTA_EXCEEDED, "Used up.", limit="daily", resets_at="2026-11-23T00:00:00Z")

    body = rendered(problem)

    assert (body["limit"], body["resets_at"]) == ("daily", "2026-11-23T00:00:00Z")


def test_no_more_errors_are_listed_than_a_batch_has_events() -> None:
    errors = tuple(FieldError("is odd", index=index) for index in range(5_000))

    body = rendered(Problem(ProblemType.INVALID_EVENTS, "All.", errors))

    assert isinstance(body["errors"], list)
    assert len(body["errors"]) == 1_000


def test_what_is_no_text_does_not_break_the_answer() -> None:
    body = rendered(Problem(ProblemType.INVALID_EVENTS, "\ud800 is odd", (FieldError("\udfff", "\ud800"),)))

    assert body["detail"] == "? is odd"
    assert body["errors"] == [{"field": "?", "detail": "?"}]


@pytest.mark.parametrize("wait_s", [0.0, 0.2, 1.0, 7.5, 60.0, 3_600.0, 86_400.0])
def test_nobody_is_asked_to_come_back_too_early_or_much_too_late(wait_s: float) -> None:
    waits = {retry_after(wait_s) for _ in range(200)}

    assert min(waits) >= max(1, wait_s)
    assert max(waits) <= wait_s + min(max(wait_s / 2, 1), 30) + 1


def test_those_refused_together_do_not_come_back_together() -> None:
    assert len({retry_after(20.0) for _ in range(200)}) > 5


def test_those_whom_an_outage_has_refused_come_back_over_some_seconds() -> None:
    waits = {retry_after(None) for _ in range(1_000)}

    assert (min(waits), max(waits)) == (3, 10)
    assert len(waits) == 8
