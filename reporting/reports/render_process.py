"""The process in which a report is drawn and set; nothing else runs in it, and it reaches no network.

    python -m reporting.reports.render_process < ORDER        renders
    python -m reporting.reports.render_process --check        says which libraries are missing

Time and resident memory are its parent's to limit. What can be made is made first: the HTML is written before the PDF is
tried, and where the library of charts is missing their words stand in the pages.
"""

from __future__ import annotations

import gc
import itertools
import resource
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from markupsafe import Markup

from reporting.reports.archive import Format, Paper
from reporting.reports.figure_set import figures_of
from reporting.reports.model import Report
from reporting.reports.pages import FIGURES, Drawn, page

if TYPE_CHECKING:
    from reporting.charts.figure import Figure
    from reporting.reports.figure_set import FigureSet

DRAWING = "reporting.reports.drawing"
PDF = "reporting.reports.as_pdf"
_MOST_CPU_S = 300
"""A child whose parent was killed ends by itself."""
_FORBIDDEN = frozenset(
    {"socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"}
)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the parent writes to standard input. Files go into `directory`, each named by its format."""

    report: Report
    formats: tuple[Format, ...]
    paper: Paper
    directory: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the child writes to standard output: why charts, or a PDF, could not be made. Empty when they were."""

    charts: str = ""
    pdf: str = ""


def main() -> None:
    """Be the child."""
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_CPU_S, _MOST_CPU_S))
    if "--check" in sys.argv:
        outcome = Outcome(charts=_missing(DRAWING), pdf=_missing(PDF))
    else:
        order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
        sys.addaudithook(_forbid)
        # A process that ends in seconds need not look for garbage.
        gc.disable()
        outcome = render(order)
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


def render(order: Order) -> Outcome:
    """Write the files that are asked for."""
    directory = Path(order.directory)
    if Format.PDF in order.formats:
        # Loading what sets the pages takes half as long as drawing the figures, which leaves Python alone meanwhile.
        threading.Thread(target=_missing, args=(PDF,), daemon=True).start()
    figures, charts = _drawn(order.report)
    if Format.HTML in order.formats:
        (directory / Format.HTML).write_text(page(order.report, figures), encoding="utf-8", newline="\n")
    if Format.PDF in order.formats:
        try:
            pdf = _pdf(order, figures)
        except Exception as error:  # noqa: BLE001 - Whatever ails it, the HTML is there and the reason is told.
            return Outcome(charts=charts, pdf=_reason(error))
        (directory / Format.PDF).write_bytes(pdf)
    return Outcome(charts=charts)


def _drawn(report: Report) -> tuple[FigureSet[Drawn], str]:
    """Return the figures, and why some of them are words."""
    numbers = itertools.count(1)
    failed: list[str] = []
    try:
        draw = import_module(DRAWING).draw
    except (ImportError, OSError) as error:
        return figures_of(report).each(words), _reason(error)

    def drawn(figure: Figure) -> Drawn:
        try:
            svg = Markup(draw(figure, next(numbers)))  # noqa: S704 - Shapes alone.
        except Exception as error:  # noqa: BLE001 - A chart that cannot be drawn costs no report.
            failed.append(_reason(error))
            return words(figure)
        return Drawn(title=figure.title, alt=figure.alt, svg=svg)

    return figures_of(report).each(drawn), "".join(failed[:1])


def _pdf(order: Order, figures: FigureSet[Drawn]) -> bytes:
    files: dict[str, str] = {}

    def filed(figure: Drawn) -> Drawn:
        """Keep the figure's shapes out of the document: they would be parsed and styled as its elements."""
        if figure.svg is None:
            return figure
        address = f"{FIGURES}{len(files)}"
        files[address] = str(figure.svg)
        return Drawn(title=figure.title, alt=figure.alt, source=address)

    document = page(order.report, figures.each(filed), order.paper)
    return bytes(import_module(PDF).to_pdf(document, files))


def words(figure: Figure) -> Drawn:
    """Return a figure that nobody could draw."""
    return Drawn(title=figure.title, alt=figure.alt)


def _missing(module: str) -> str:
    try:
        import_module(module)
    except (ImportError, OSError) as error:
        return _reason(error)
    return ""


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason given'}"


def _forbid(event: str, _arguments: tuple[Any, ...]) -> None:
    if event in _FORBIDDEN:
        raise PermissionError(f"a report is made without {event}")


if __name__ == "__main__":
    main()
