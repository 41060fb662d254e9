"""Which problem an answer tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug.test import TestResponse


def slug(response: TestResponse) -> str:
    assert response.content_type == "application/problem+json"
    assert response.json is not None
    return str(response.json["type"]).rpartition("/")[2]
