from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from app.cli.bench.report import print_results
from app.cli.bench.results import Failure, PageTime, Results
from app.cli.bench.run import measure_each
from tests.app.cli.bench.test_results import MACHINE, targets

if TYPE_CHECKING:
    import pytest

PAGE = PageTime(page="/ui/", first_ms=3, median_ms=2, worst_ms=4, bytes=100)


def test_a_part_that_fails_is_named_and_takes_no_other_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    def measure(part: str) -> tuple[PageTime, ...]:
        if part != "pages":
            raise TimeoutError(f"no [answer] about {part}")
        return (PAGE,)

    measured, failures = measure_each(("imports", "pages", "growth"), measure)

    assert measured == {"pages": (PAGE,)}
    assert failures == [
        Failure("imports", "TimeoutError: no [answer] about imports"),
        Failure("growth", "TimeoutError: no [answer] about growth"),
    ]
    assert "Traceback" in capsys.readouterr().err
    console = Console(record=True, width=120)
    print_results(Results(MACHINE, **measured, targets=targets(**measured), failures=tuple(failures)), console)
    assert "TimeoutError: no [answer] about imports" in console.export_text()
