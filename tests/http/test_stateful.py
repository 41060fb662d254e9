"""Operations one after the other, each with what an earlier one has answered: made, read, changed and taken away, by whoever."""

from __future__ import annotations

import os
from itertools import cycle
from typing import TYPE_CHECKING, Any

import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings

from tests.http.test_schemathesis import CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from schemathesis import Case

    from app.core.settings import Settings
    from tests.conftest import World

RUNS = int(os.environ.get("FUZZ_RUNS", "5"))
"""`make fuzz` takes many more."""
STEPS = 10


def test_no_order_of_requests_is_answered_otherwise_than_described(
    client: FlaskClient, world: World, settings: Settings
) -> None:
    operator = str(settings.admin_token)
    described = schemathesis.openapi.from_wsgi("/openapi.json", client.application)

    class Machine(described.as_state_machine()):  # type: ignore[misc]  # A class made at run time.
        """Mostly the operator, who may do most; between, two accounts and nobody, who come upon what he has made."""

        def setup(self) -> None:
            self.callers: Iterator[str] = cycle(
                [operator, operator, world.alice.key, operator, world.bob.key, "nobody"]
            )

        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            return {"headers": {"Authorization": f"Bearer {next(self.callers)}"}}

        def validate_response(self, response: Any, case: Case, **_: Any) -> None:
            case.validate_response(response, checks=CHECKS)

    Machine.run(settings=explored())


def explored() -> hypothesis_settings:
    """The same in every run, unless there are many."""
    return hypothesis_settings(
        max_examples=RUNS,
        stateful_step_count=STEPS,
        derandomize=True,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
