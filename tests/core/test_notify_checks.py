"""The doctor says when nobody would be told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.core.findings import State
from app.core.notify_checks import check_notifications

if TYPE_CHECKING:
    from app.core.settings import Settings


@pytest.mark.parametrize(
    ("given", "states"),
    [
        ({}, [State.WARN, State.WARN]),
        ({"notify_page": "slack://a/b/c"}, [State.OK, State.WARN]),
        ({"alertmanager_url": "http://am:9093"}, [State.WARN, State.WARN]),
        ({"alertmanager_url": "http://am:9093", "notify_ticket": "mailto:a@example.org"}, [State.WARN, State.OK]),
    ],
)
def test_whoever_tells_nobody_is_warned(settings: Settings, given: dict[str, str], states: list[State]) -> None:
    findings = check_notifications(replace(settings, **given))  # type: ignore[arg-type]  # Fields of several types.

    assert [finding.state for finding in findings] == states
    assert all("test-route" in finding.remedy for finding in findings if finding.state is State.WARN)


def test_of_an_alertmanager_no_more_is_said_than_is_known(settings: Settings) -> None:
    for found in check_notifications(replace(settings, alertmanager_url="http://am:9093")):
        assert found.found == "Alertmanager alone is told"
        assert "its own configuration" in found.reason
