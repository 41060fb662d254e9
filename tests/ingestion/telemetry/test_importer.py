"""Every line of a file counts once, however often and under whatever name it is imported."""

from __future__ import annotations

import gzip
from collections import Counter
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from app.core.errors import DependencyUnavailableError
from app.core.problems import Problem
from ingestion.telemetry import files_store
from ingestion.telemetry.formats import BadFileError, Format
from ingestion.telemetry.importer import Importer, Source
from ingestion.telemetry.services import Services

if TYPE_CHECKING:
    from app.core.database import Database
    from ingestion.telemetry.importer import Imported

NOW = datetime(2026, 11, 22, 10, 30, 40, tzinfo=UTC)
SAMPLE = Path(__file__).resolve().parents[3] / "examples" / "apache_access_2015.log.gz"


def lines(numbers: range, second: int = 0) -> bytes:
    return b"".join(
        b'10.0.0.1 - - [17/May/2015:10:%02d:%02d +0000] "GET /%d HTTP/1.1" 200 5 "-" "-"\n' % (n % 60, second, n % 3)
        for n in numbers
    )


def source(content: bytes, **changes: Any) -> Source:
    given: dict[str, Any] = {"name": "access.log", "format": Format.COMBINED, "service": "website"}
    return Source(**(given | changes), open=lambda: BytesIO(content))


@pytest.fixture
def run(database: Database) -> Any:
    def import_it(content: bytes, **changes: Any) -> Imported:
        return Importer(database, Services(lambda _: ()), piece=2_000).run(source(content, **changes), NOW)

    return import_it


def stored(database: Database, service: str = "website") -> int:
    with database.begin() as connection:
        query = text("SELECT coalesce(sum(requests), 0) FROM request_minutes WHERE service = :service")
        return int(connection.execute(query, {"service": service}).scalar_one())


def test_the_real_log_is_counted_to_the_line_and_the_one_bad_line_is_shown(database: Database, run: Any) -> None:
    content = gzip.decompress(SAMPLE.read_bytes())

    imported = run(content)

    assert (imported.lines, imported.requests, imported.bad_lines) == (10_000, 9_999, 1)
    assert [bad.number for bad in imported.bad] == [8_899]
    with database.begin() as connection:
        found = dict(
            tuple(row)
            for row in connection.execute(text("SELECT status, sum(requests) FROM request_minutes GROUP BY 1"))
        )
    # Counted by hand: awk '{print $9}' | sort | uniq -c, less the bad line, which is a 200.
    assert found == {200: 9_125, 206: 45, 301: 164, 304: 445, 403: 2, 404: 213, 416: 2, 500: 3}
    assert max(Counter(content.splitlines()).values()) > 1


def test_repeating_an_import_counts_nothing_twice(database: Database, run: Any) -> None:
    run(lines(range(100)))
    again = run(lines(range(100)), name="other.log.1")

    assert (again.requests, again.skipped_bytes) == (0, len(lines(range(100))))
    assert stored(database) == 100


def test_a_file_may_begin_with_an_empty_line(database: Database, run: Any) -> None:
    run(b"\n" + lines(range(3)))
    run(b"\n" + lines(range(4)))

    assert stored(database) == 4


def test_a_file_of_bad_lines_alone_shows_a_few_of_them(run: Any) -> None:
    imported = run(b"nonsense\n" * 5_000)

    assert (imported.bad_lines, imported.requests) == (5_000, 0)
    assert [bad.number for bad in imported.bad] == list(range(1, 11))
    assert run(b"nonsense\n" * 5_000).lines == 0


def test_equal_lines_are_different_requests(database: Database, run: Any) -> None:
    run(lines(range(1)) * 5)

    assert stored(database) == 5


def test_a_file_that_has_grown_is_continued(database: Database, run: Any) -> None:
    run(lines(range(100)))
    grown = run(lines(range(130)), name="access.log.1")

    assert grown.requests == 30
    assert stored(database) == 130


def test_what_follows_a_rotation_is_another_file(database: Database, run: Any) -> None:
    run(lines(range(100)))
    run(lines(range(100, 110)))

    assert stored(database) == 110


def test_a_line_that_is_being_written_counts_once_it_is_complete(database: Database, run: Any) -> None:
    whole = lines(range(3))
    half = run(whole[:-20])

    assert (half.requests, half.unfinished_bytes > 0) == (2, True)
    assert run(whole).requests == 1
    assert stored(database) == 3


def test_an_import_that_broke_off_goes_on_where_it_was(
    database: Database, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = files_store.advance
    calls = iter(range(100))

    def break_off(*args: Any, **kwargs: Any) -> bool:
        if next(calls) == 3:
            raise DependencyUnavailableError("postgresql", "was killed")
        return advance(*args, **kwargs)

    monkeypatch.setattr(files_store, "advance", break_off)
    with pytest.raises(DependencyUnavailableError):
        run(lines(range(100)))
    assert 0 < stored(database) < 100

    rest = run(lines(range(100)))

    assert rest.skipped_bytes > 0
    assert stored(database) == 100


@pytest.mark.parametrize("before", [0, 50], ids=["a new file", "one that has grown"])
def test_of_two_imports_at_once_one_gives_way(
    database: Database, run: Any, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    run(lines(range(before)))
    advance = files_store.advance

    def after_the_other(*args: Any, **kwargs: Any) -> bool:
        monkeypatch.setattr(files_store, "advance", advance)
        run(lines(range(100)))
        return advance(*args, **kwargs)

    monkeypatch.setattr(files_store, "advance", after_the_other)

    with pytest.raises(BadFileError, match="another import"):
        run(lines(range(100)))
    assert stored(database) == 100


def test_files_that_begin_alike_and_go_on_differently_are_both_counted(database: Database, run: Any) -> None:
    run(lines(range(1)) + lines(range(50), second=1))
    run(lines(range(1)) + lines(range(60), second=2))
    run(lines(range(1)) + lines(range(60), second=2))

    assert stored(database) == 51 + 61


def test_an_older_copy_is_refused_unless_it_is_said_to_be_another_file(database: Database, run: Any) -> None:
    run(lines(range(100)))

    with pytest.raises(BadFileError, match="older copy"):
        run(lines(range(50)))
    assert stored(database) == 100

    run(lines(range(50)), file_id="the second web server")
    run(lines(range(50)), file_id="the second web server")
    assert stored(database) == 150


def test_the_same_file_may_be_imported_into_two_services(database: Database, run: Any) -> None:
    run(lines(range(10)))
    run(lines(range(10)), service="mirror")

    assert (stored(database), stored(database, "mirror")) == (10, 10)


def test_times_are_moved_so_that_the_last_request_is_in_this_minute(database: Database, run: Any) -> None:
    run(lines(range(10)), shift_to_now=True)
    run(lines(range(12)), shift_to_now=True)

    with database.begin() as connection:
        rows = connection.execute(text("SELECT minute FROM request_minutes GROUP BY 1 ORDER BY 1")).scalars().all()
    # The first import said by how much; what has grown since is moved alike.
    assert rows[9] == NOW.replace(second=0)
    assert [(row - rows[0]).total_seconds() / 60 for row in rows] == list(range(12))


def test_requests_of_the_day_after_tomorrow_are_bad(run: Any) -> None:
    line = b'10.0.0.1 - - [24/Nov/2026:10:31:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"\n'

    imported = run(line)

    assert (imported.requests, imported.bad_lines) == (0, 1)


def test_csv_goes_on_with_the_headings_of_its_first_line(database: Database, run: Any) -> None:
    head = b"timestamp,route,method,status\n2026-11-20T10:00:00Z,/a,GET,200\n"
    run(head, format=Format.CSV)

    grown = run(head + b"2026-11-20T10:00:00Z,/a,GET,500\n", format=Format.CSV)

    assert (grown.requests, grown.bad_lines) == (1, 0)
    assert stored(database) == 2


@pytest.mark.parametrize("content", [b"", b"no line's end"])
def test_a_file_without_lines_is_no_mistake(run: Any, content: bytes) -> None:
    assert run(content).lines == 0


def test_the_platforms_own_service_cannot_be_imported(run: Any) -> None:
    with pytest.raises(Problem, match="platform itself"):
        run(lines(range(1)), service="slipstream")
