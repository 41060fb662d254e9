from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dashboards.web.assets import Assets

if TYPE_CHECKING:
    from tests.dashboards.web.people import Person

ROOT = Path(__file__).resolve().parents[3]
STATIC = ROOT / "dashboards" / "static"
MANIFESTS = (STATIC / "vendor" / "manifest.json", Path(__file__).parent / "vendor" / "manifest.json")


@pytest.mark.parametrize("manifest", MANIFESTS, ids=["pages", "tests"])
def test_what_is_vendored_is_what_npm_has_under_that_version(manifest: Path) -> None:
    entries = json.loads(manifest.read_text())

    assert {path.name for path in manifest.parent.iterdir()} == {"manifest.json", *entries}
    for name, entry in entries.items():
        assert hashlib.sha256(manifest.with_name(name).read_bytes()).hexdigest() == entry["sha256"], name
        assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"])
        assert entry["licence"]


def test_a_page_s_scripts_and_styles_are_there_and_are_kept(viewer: Person) -> None:
    addresses = set(re.findall(r'(?:src|href)="(/ui/static/[^"]+)"', viewer.get("/ui/").text))

    assert len(addresses) >= 4
    for address in addresses:
        answer = viewer.client.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["Cache-Control"]


def test_they_are_sent_compressed_to_who_can_read_that(nobody: Person) -> None:
    answer = nobody.get(Assets().address("vendor/vega.min.js"), **{"Accept-Encoding": "gzip"})

    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.data) < 200_000


@pytest.mark.parametrize("name", ["../web/pages.py", "nothing.js", "vendor/manifest.json"])
def test_nothing_else_is_served(nobody: Person, name: str) -> None:
    version = Assets().version

    assert nobody.get(f"/ui/static/{version}/{name}").status_code in {303, 404}
    assert nobody.get("/ui/static/another-version/app.css").status_code == 404
