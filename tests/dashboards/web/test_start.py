from __future__ import annotations

import html
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from app.core.audit import Audit
from dashboards.web.start import LANGUAGES
from tests.dashboards.web.browser import served
from tests.dashboards.web.people import text_of

if TYPE_CHECKING:
    from pathlib import Path

    from app.composition import Api
    from app.core.database import Database
    from tests.conftest import World
    from tests.dashboards.web.people import Person

KEY = re.compile(r"slip\.bolt\.[a-z0-9]{12}\.[A-Za-z0-9_-]{43}")
COMMANDS = {
    "curl": ["sh", "snippet"],
    "python": [sys.executable, "snippet"],
    "node": ["node", "snippet"],
    "go": ["go", "run", "snippet.go"],
}


def snippet(page: str, language: str) -> str:
    """Return a snippet as a browser would copy it."""
    found = re.search(rf'<code id="snippet-{language}">(.*?)</code>', page, flags=re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


def test_without_an_account_it_says_how_to_make_one(viewer: Person) -> None:
    assert "slipstream accounts create acme" in text_of(viewer.get("/ui/start"))


def test_every_language_is_there_with_the_address_of_this_installation(viewer: Person, world: World) -> None:
    page = viewer.get("/ui/start?account=bolt").text

    for language in LANGUAGES:
        assert "http://127.0.0.1:8080/events" in snippet(page, language)
        assert "YOUR_KEY" in snippet(page, language)
    assert "Create a key" not in page


def test_a_key_is_made_once_and_stands_in_every_snippet(manager: Person, world: World, database: Database) -> None:
    page = manager.post("/ui/start", account="bolt").text

    (key,) = set(KEY.findall(page))
    assert all(key in snippet(page, language) for language in LANGUAGES)
    (entry,) = Audit(database).page(subject="bolt", limit=5)
    assert (entry.action, entry.detail) == ("keys.create", {"scopes": ["events:write", "summary:read"]})
    assert manager.post("/ui/start", account="missing").status_code == 422


def test_it_listens_until_an_event_is_accepted(viewer: Person, world: World) -> None:
    before = viewer.get("/ui/start/listen?account=bolt&had=0").text
    sent = viewer.client.post(
        "/events",
        json={"events": [{"event_id": "e1", "type": "hello"}]},
        headers={"Authorization": f"Bearer {world.bob.key}"},
    )
    after = viewer.get("/ui/start/listen?account=bolt&had=0").text
    later = viewer.get("/ui/start?account=bolt").text

    assert sent.status_code == 202
    assert "Listening for your first event" in before
    assert "hx-trigger" in before
    assert "1 event of bolt arrived" in text_of_html(after)
    assert "hx-trigger" not in after
    assert "had=1" in later
    assert viewer.get("/ui/start/listen?account=bolt&had=x").status_code == 400
    assert viewer.get("/ui/start/listen?account=missing").status_code == 404


@pytest.mark.tools
@pytest.mark.parametrize("language", list(LANGUAGES))
def test_a_snippet_does_what_it_says(manager: Person, world: World, api: Api, language: str, tmp_path: Path) -> None:
    page = manager.post("/ui/start", account="bolt").text
    name = "snippet.go" if language == "go" else "snippet"

    with served(api.app) as base:
        tmp_path.joinpath(name).write_text(snippet(page, language).replace("http://127.0.0.1:8080", base))
        done = subprocess.run(
            COMMANDS[language], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=150
        )

    assert done.returncode == 0, done.stderr
    assert '"accepted":1' in done.stdout
    assert "arrived" in manager.get("/ui/start/listen?account=bolt&had=0").text


def text_of_html(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())
