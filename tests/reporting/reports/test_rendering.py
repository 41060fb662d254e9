"""Reports as files: the same bytes for the same report, tagged PDFs, and nothing from outside that gets in or out."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import pikepdf
import pytest
from weasyprint.urls import FatalURLFetchingError

from reporting.reports.archive import Format, Paper
from reporting.reports.as_pdf import Inside, to_pdf
from reporting.reports.render_checks import check_rendering
from reporting.reports.rendering import Limits, renderings
from tests.reporting.reports.hostile import hostile_month
from tests.reporting.reports.sample import short_week
from tests.reporting.reports.troubles import bad_month

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reporting.reports.archive import Rendered

A_MILLIMETRE = 72 / 25.4
SIZES = {Paper.A4: (210 * A_MILLIMETRE, 297 * A_MILLIMETRE), Paper.LETTER: (612, 792)}


@pytest.fixture(scope="module")
def bad() -> Rendered:
    return renderings(bad_month(), set(Format), Paper.A4)


@pytest.fixture(scope="module")
def hostile() -> Rendered:
    return renderings(hostile_month(), {Format.HTML, Format.PDF}, Paper.LETTER)


def opened(rendered: Rendered) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(rendered.files[Format.PDF]))


def elements(node: Any) -> Iterator[Any]:
    """Every structure element of a tagged PDF below a node."""
    kids = node.get("/K", [])
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            yield kid
            yield from elements(kid)


def test_a_report_comes_in_every_format(bad: Rendered) -> None:
    assert set(bad.files) == set(Format)
    assert bad.missing == {}


def test_the_same_report_makes_the_same_bytes() -> None:
    first, second = (renderings(short_week(), set(Format), Paper.A4) for _ in range(2))

    assert first.files == second.files


def test_a_pdf_is_tagged_for_those_who_do_not_see_it(bad: Rendered) -> None:
    pdf = opened(bad)

    assert bool(pdf.Root.MarkInfo.Marked)
    assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)
    assert str(pdf.Root.Lang) == "en"
    assert pdf.open_metadata().get("pdfuaid:part") == "1"
    assert str(pdf.docinfo["/Title"]) == "October 2026: all services"
    assert str(pdf.docinfo["/CreationDate"]).startswith("D:20261101060000")


@pytest.mark.parametrize("which", ["bad", "hostile"])
def test_every_figure_of_a_pdf_has_words(which: str, request: pytest.FixtureRequest) -> None:
    pdf = opened(request.getfixturevalue(which))
    tags = list(elements(pdf.Root.StructTreeRoot))
    figures = [tag for tag in tags if tag.S == "/Figure"]

    assert len(figures) == 22  # Calendar, throughput, timeline, reasons, latency, three budgets and fourteen trends.
    assert all(len(str(figure.Alt)) > 15 for figure in figures)
    assert {"/H1", "/H2", "/H3", "/Table", "/TH", "/TD"} <= {str(tag.S) for tag in tags}


def test_a_pdf_has_bookmarks_for_its_sections(bad: Rendered) -> None:
    with opened(bad).open_outline() as outline:
        titles = [item.title for item in outline.root[0].children]

    assert titles[-4:] == ["Promises", "What happened", "Routes and accounts", "How we count"]


@pytest.mark.parametrize(("which", "paper"), [("bad", Paper.A4), ("hostile", Paper.LETTER)])
def test_pages_are_of_the_paper_that_was_asked_for(which: str, paper: Paper, request: pytest.FixtureRequest) -> None:
    for page in opened(request.getfixturevalue(which)).pages:
        assert [float(side) for side in page.MediaBox] == pytest.approx([0, 0, *SIZES[paper]], abs=0.1)


@pytest.mark.parametrize("which", ["bad", "hostile"])
def test_a_pdf_holds_its_fonts_and_points_nowhere(which: str, request: pytest.FixtureRequest) -> None:
    pdf = opened(request.getfixturevalue(which))
    parts = [item for item in pdf.objects if isinstance(item, pikepdf.Dictionary | pikepdf.Stream)]
    names = {name for part in parts for name in dict(part.items())}

    assert not names & {
        "/URI",
        "/EmbeddedFile",
        "/EmbeddedFiles",
        "/EF",
        "/JS",
        "/JavaScript",
        "/Launch",
        "/OpenAction",
    }
    fonts = [
        item for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/FontDescriptor"
    ]
    assert fonts
    assert all({"/FontFile", "/FontFile2", "/FontFile3"} & set(dict(font.items())) for font in fonts)


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "http://127.0.0.1/", "https://example.com/", "data:text/plain,x", "slipstream-font:../x"]
)  # fmt: skip
def test_a_document_that_asks_for_something_outside_of_itself_is_not_set(address: str) -> None:
    with pytest.raises(FatalURLFetchingError):
        Inside({}).fetch(address)
    with pytest.raises(FatalURLFetchingError):
        to_pdf(
            f"<html lang='en'><title>x</title><link rel='attachment' href='{address}'><img alt='x' src='{address}'>", {}
        )


def test_rendering_that_takes_too_long_is_ended_and_leaves_a_report_of_words() -> None:
    rendered = renderings(short_week(), {Format.HTML, Format.PDF}, limits=Limits(seconds=0.0))

    assert rendered.missing == {Format.PDF: "rendering took longer than 0 s"}
    assert b"Calendar of 7 days" in rendered.files[Format.HTML]
    assert b"<svg" not in rendered.files[Format.HTML]


def test_rendering_that_takes_too_much_memory_is_ended() -> None:
    rendered = renderings(short_week(), {Format.PDF}, limits=Limits(memory_bytes=20 * 1024**2))

    assert rendered.files == {}
    assert rendered.missing == {Format.PDF: "rendering took more than 20 MB of memory"}


def test_without_a_library_of_the_system_there_is_html_with_its_charts_and_doctor_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weasyprint.py").write_text("raise OSError(\"cannot load library 'libpango-1.0-0'\")\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    rendered = renderings(short_week(), {Format.HTML, Format.PDF})
    findings = {finding.name: finding for finding in check_rendering()}

    assert rendered.missing == {Format.PDF: "OSError: cannot load library 'libpango-1.0-0'"}
    assert b"<svg" in rendered.files[Format.HTML]
    assert findings["charts"].state == "ok"
    assert findings["pdf"].state == "warn"
    assert "libpango" in findings["pdf"].remedy


def test_doctor_says_when_the_font_of_other_scripts_is_missing(tmp_path: Path) -> None:
    findings = {finding.name: finding for finding in check_rendering((tmp_path,))}

    assert findings["font"].state == "warn"
    assert "fonts-dejavu-core" in findings["font"].remedy


def test_what_needs_no_pages_needs_no_process() -> None:
    rendered = renderings(short_week(), {Format.JSON, Format.CSV}, limits=Limits(seconds=0.0))

    assert set(rendered.files) == {Format.JSON, Format.CSV}
    assert rendered.missing == {}
