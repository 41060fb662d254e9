"""Make the README's pictures: run the demo, make a report in its pages as somebody would, and keep how it all looks.

deploy/pictures.py
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
PAGES = {"page-overview": "/ui/", "page-slo": "/ui/slos/on-time-departures?range=30d"}
SIZE = {"width": 1280, "height": 1180}
MADE_WITHIN_MS = 300_000
_ADDRESS, _TOKEN = "Serving on ", "Operator's token: "


class Served(NamedTuple):
    """Where the demo serves its pages, and what opens them."""

    address: str
    token: str


def main() -> None:
    """Make them all."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="slipstream-pictures-") as directory,
        demo(Path(directory)) as served,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_context(viewport=SIZE, color_scheme="light").new_page()
        sign_in(page, served)
        for name, path in PAGES.items():
            page.goto(served.address + path)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=PICTURES / f"{name}.png")
        report = Path(directory) / "report.pdf"
        make_report(page, served, report)
        page.screenshot(path=PICTURES / "page-report.png")
        browser.close()
        for number in (1, 2):
            first = ("-f", str(number), "-l", str(number), "-singlefile", "-r", "100", "-png")
            subprocess.run(["pdftoppm", *first, str(report), str(PICTURES / f"report-{number}")], check=True)
    made = sorted(str(picture.relative_to(ROOT)) for picture in PICTURES.glob("*.png"))
    sys.stdout.write(" ".join(made) + "\n")


@contextmanager
def demo(directory: Path) -> Iterator[Served]:
    """Run the demo until it serves, and end it."""
    directory.chmod(0o755)  # PostgreSQL does not run as root, and must enter it.
    command = (sys.executable, "-m", "app.cli.main", "demo", "--data", str(directory / "data"))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        if process.stdout is None:
            raise RuntimeError("the demo says nothing")
        try:
            address = token = ""
            for line in process.stdout:
                sys.stderr.write(line)
                if line.startswith(_ADDRESS):
                    address = line.removeprefix(_ADDRESS).partition(" ")[0]
                if line.startswith(_TOKEN):
                    token = line.removeprefix(_TOKEN).strip()
                    break
            if not token:
                raise RuntimeError("the demo did not come to its end")
            yield Served(address, token)
        finally:
            process.send_signal(signal.SIGINT)


def sign_in(page: Page, served: Served) -> None:
    """Sign in as operator."""
    page.goto(f"{served.address}/ui/login")
    if not page.get_by_label("Admin token").is_visible():
        page.get_by_text("Use the admin token").click()
    page.get_by_label("Admin token").fill(served.token)
    page.get_by_role("button", name="Sign in as operator").click()
    page.wait_for_url("**/ui/")


def make_report(page: Page, served: Served, report: Path) -> None:
    """Order the report of this month, wait until its page shows it, and download its PDF."""
    page.goto(f"{served.address}/ui/reports")
    month = page.locator("select[name=period] optgroup[label=Months] option").last.get_attribute("value")
    page.locator("select[name=period]").select_option(month)
    page.get_by_role("button", name="Make the report").click()
    page.get_by_role("heading", name="Promises", exact=True).wait_for(timeout=MADE_WITHIN_MS)
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF").click()
    download.value.save_as(report)


if __name__ == "__main__":
    main()
