"""A real browser in front of a real server: Debian's Chromium, and the API of this test in a thread."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from playwright.sync_api import Browser, Page

CHROMIUM = "/usr/bin/chromium"
ARTEFACTS = Path(__file__).resolve().parents[3] / "artefacts"
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
STANDARDS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an app on a free port; the address comes without a slash at its end."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visitor:
    """Looks at pages, and notes what a page must not do: complain, or ask anybody else for anything."""

    def __init__(
        self, browser: Browser, base: str, *, width: int = 1440, dark: bool = False, directory: str = "pages"
    ) -> None:
        scheme = "dark" if dark else "light"
        self._pictures = ARTEFACTS / directory
        self._name = f"{width}-{scheme}"
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page: Page = self.context.new_page()
        self.base = base
        self.complaints: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)
        self.page.wait_for_load_state("networkidle")

    def look_through(self, width: int) -> None:
        """Go on in a window of another width."""
        self._name = f"{width}-{self._name.partition('-')[2]}"
        self.page.set_viewport_size({"width": width, "height": 900})

    def sign_in_as_operator(self, token: str) -> None:
        self.go("/ui/login")
        if not self.page.get_by_label("Admin token").is_visible():
            self.page.get_by_text("Use the admin token").click()
        self.page.get_by_label("Admin token").fill(token)
        self.page.get_by_role("button", name="Sign in as operator").click()
        self.page.wait_for_url("**/ui/")

    def keep_picture(self, name: str) -> None:
        """Keep how it looks, for people."""
        self._pictures.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self._pictures / f"{name}-{self._name}.png", full_page=True)

    def barriers(self) -> list[str]:
        """Return what keeps somebody from using the page, as axe finds it."""
        self.page.evaluate(AXE.read_text() + ";0")
        found: dict[str, Any] = self.page.evaluate("tags => axe.run(document, {runOnly: tags})", list(STANDARDS))
        return [f"{each['id']}: {[node['target'] for node in each['nodes']]}" for each in found["violations"]]

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        wider: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return wider

    def _said(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.complaints.append(f"asked for {request.url}")
