from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from app.cli.bench import run
from app.cli.bench.report import print_results
from app.cli.bench.results import Failure, PageTime

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PLAN = run.Plan(parts=("imports", "pages"), sizes=(), connections=1, workers=1, stored=1, share=0.1)
PAGE = PageTime(page="/ui/", first_ms=3, median_ms=2, worst_ms=4, bytes=100)


def test_a_part_that_fails_is_named_and_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    asked: list[str] = []

    def fail(bench: run.Bench) -> None:
        raise TimeoutError(f"no [answer] from {bench.platform.base_url.partition(':')[0]}")

    def pages(bench: run.Bench) -> tuple[PageTime, ...]:
        with bench.platform.admin() as admin:
            asked.extend(account["account_id"] for account in admin.call("GET", "/accounts")["accounts"])
        return (PAGE,)

    monkeypatch.setattr(run, "MEASURES", {"imports": fail, "pages": pages})

    data_dir.chmod(0o755)  # The engines' own user must be able to enter it.
    results = run.run(PLAN, data_dir, Console(quiet=True))

    assert results.pages == (PAGE,)
    assert len(asked) == run.ACCOUNTS
    assert results.failures == (Failure("imports", "TimeoutError: no [answer] from http"),)
    assert not list(data_dir.iterdir())
    console = Console(record=True, width=120)
    print_results(results, console)
    assert "TimeoutError: no [answer] from http" in console.export_text()
