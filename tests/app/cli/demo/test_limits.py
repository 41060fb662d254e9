from __future__ import annotations

import io

from rich.console import Console

from app.cli.demo.flights import AIRLINES
from app.cli.demo.limits import BROKEN, OVER_ITS_TIER, Told, broken_promises, limits_table


def told(**changed: Told) -> dict[str, Told]:
    """What clients are told when all is well, but for `changed`."""
    well = {airline: Told({202: 4_637}, 4_637) for airline in AIRLINES}
    well[OVER_ITS_TIER] = Told({202: 56, 429: 1_004}, 2_794)
    well[BROKEN] = Told({202: 7, 422: 20, 503: 1}, 31, ("open", "closed"))
    return well | changed


def test_nothing_is_said_when_limits_do_what_they_should() -> None:
    assert broken_promises(told()) == []


def test_each_thing_that_limits_should_have_done_is_missed() -> None:
    (never_told,) = broken_promises(told(aa=Told({202: 56}, 2_794)))
    (still_open,) = broken_promises(told(ha=Told({202: 7, 422: 20}, 31, ("open", "half-open"))))
    (noticed,) = broken_promises(told(ua=Told({202: 93, 429: 1}, 4_637)))

    assert "never told" in never_told
    assert "open, then half-open" in still_open
    assert noticed == "United Air Lines was refused with 429"


def test_the_table_fits_into_80_columns_and_adds_up_the_others() -> None:
    out = io.StringIO()

    Console(file=out, width=80).print(limits_table(told()))

    lines = out.getvalue().splitlines()
    assert "…" not in out.getvalue()
    assert len(lines) == 4
    assert lines[2].split() == ["Hawaiian", "Airlines", "7", "·", "20", "1", "rubbish", "→", "open", "→", "closed"]
    assert lines[3].split()[:5] == ["14", "other", "airlines", f"{14 * 4_637:,}", "·"]
