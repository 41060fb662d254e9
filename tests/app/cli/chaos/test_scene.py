"""When clients have noticed a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.cli.chaos import scene
from app.cli.chaos.courier import Acknowledged
from app.cli.chaos.load import Account, Load, LoadOptions
from app.cli.chaos.scene import StrikeError, check_noticed, insist
from app.client import Answer, UnexpectedAnswerError

if TYPE_CHECKING:
    from pathlib import Path

SINCE = 100.0


def told(directory: Path, *, accepted: int, refused: tuple[str, ...]) -> Load:
    """A load whose one client has been told so much."""
    options = LoadOptions(clients=1)
    load = Load("http://127.0.0.1", [Account("acme", "k")], directory=directory, name="x", seed=1, options=options)
    (client,) = load.clients
    client.courier.acknowledged += [Acknowledged(SINCE + 1, SINCE + 2, f"b{number}") for number in range(accepted)]
    client.courier.refused += [(SINCE + 1, what) for what in refused]
    return load


@pytest.mark.parametrize("refused", [(), ("504 timeout",) * 5, ("429 rate-limited",) * 50])
def test_a_fault_of_which_hardly_a_request_tells_was_not_noticed(tmp_path: Path, refused: tuple[str, ...]) -> None:
    check_noticed(told(tmp_path, accepted=95, refused=refused), SINCE)


def test_a_fault_that_should_not_be_noticed_and_is_counts_as_missed(tmp_path: Path) -> None:
    with pytest.raises(StrikeError, match="refused 6 times"):
        check_noticed(told(tmp_path, accepted=94, refused=("504 timeout",) * 6), SINCE)


def test_a_fault_must_be_noticed_as_what_it_is(tmp_path: Path) -> None:
    load = told(tmp_path, accepted=90, refused=("504 timeout",) * 10)

    check_noticed(load, SINCE, "503 dependency-unavailable", "504 timeout")
    with pytest.raises(StrikeError, match="No client saw"):
        check_noticed(load, SINCE, "503 dependency-unavailable")
    with pytest.raises(StrikeError, match="No client saw"):
        check_noticed(load, SINCE + 50, "504 timeout")


@pytest.mark.parametrize(("status", "asked"), [(503, 3), (504, 3), (422, 1)])
def test_the_operator_asks_again_when_a_dependency_is_late_and_only_then(
    status: int, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene, "AGAIN_S", 0.0)
    refusals = [UnexpectedAnswerError(Answer(status, {}, b""), "POST /accounts") for _ in range(2)]
    times = 0

    def ask() -> str:
        nonlocal times
        times += 1
        if refusals:
            raise refusals.pop()
        return "done"

    if asked == 1:
        with pytest.raises(UnexpectedAnswerError):
            insist(ask)
    else:
        assert insist(ask) == "done"
    assert times == asked
