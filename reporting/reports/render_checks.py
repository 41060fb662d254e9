"""Whether reports can be made in full on this machine."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.findings import State, judge
from reporting.reports.rendering import Limits, run_child

if TYPE_CHECKING:
    from app.core.findings import Finding

_SUBJECT = "reports"
_LIBRARIES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
_FONT = "DejaVuSans.ttf"
_FONT_PACKAGE = "fonts-dejavu-core"
FONT_DIRECTORIES = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.local/share/fonts").expanduser(),
    Path("~/.fonts").expanduser(),
)
_WITHIN = Limits(seconds=30.0)


def check_rendering(font_directories: tuple[Path, ...] = FONT_DIRECTORIES) -> list[Finding]:
    """Import what makes charts and PDFs in a process of its own, and look for the font of all other scripts."""
    with tempfile.TemporaryDirectory(prefix="slipstream-doctor-") as name:
        ended = run_child(("--check",), b"", Path(name), _WITHIN)
    charts, pdf = ended.outcome.charts or ended.reason, ended.outcome.pdf or ended.reason
    found = any(_FONT in {path.name for path in directory.rglob("*.ttf")} for directory in font_directories)
    return [
        judge(
            subject=_SUBJECT,
            name="charts",
            good=not charts,
            found=charts or "can be drawn",
            reason="Without it reports have the charts' words in place of the charts.",
            remedy="Install Slipstream's dependencies again: make setup.",
            otherwise=State.WARN,
        ),
        judge(
            subject=_SUBJECT,
            name="pdf",
            good=not pdf,
            found=pdf or "can be written",
            reason="Without it reports are written, and mailed, as HTML alone.",
            remedy=f"Install the libraries that set text: apt-get install {_LIBRARIES}.",
            otherwise=State.WARN,
        ),
        judge(
            subject=_SUBJECT,
            name="font",
            good=found,
            found="DejaVu Sans is there" if found else "DejaVu Sans is not there",
            reason="In a PDF, names in scripts other than Latin, Greek and Cyrillic would be rows of boxes.",
            remedy=f"Install a font that has them: apt-get install {_FONT_PACKAGE}.",
            otherwise=State.WARN,
        ),
    ]
