"""Make the README's picture of a page of a running Slipstream, in Debian's Chromium.

python deploy/page_pictures.py http://127.0.0.1:8080 ADMIN_TOKEN
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
PAGES = {"page-slo": "/ui/slos/availability?range=30d"}
SIZE = {"width": 1280, "height": 1180}


def main(base: str, token: str) -> None:
    """Sign in as operator, and keep a picture of each page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_context(viewport=SIZE, color_scheme="light").new_page()
        page.goto(f"{base}/ui/login")
        if not page.get_by_label("Admin token").is_visible():
            page.get_by_text("Use the admin token").click()
        page.get_by_label("Admin token").fill(token)
        page.get_by_role("button", name="Sign in as operator").click()
        page.wait_for_url("**/ui/")
        for name, path in PAGES.items():
            page.goto(base + path)
            page.locator(".drawing svg").first.wait_for()
            page.screenshot(path=PICTURES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:3])
