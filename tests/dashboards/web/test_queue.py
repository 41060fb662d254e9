from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.core.audit import Audit
from ingestion import dead_letters_store
from ingestion.dead_letters import DeadLetter, LetterId, Reason
from ingestion.dead_letters_store import Selection
from tests.dashboards.web.people import text_of

if TYPE_CHECKING:
    from typing import Any

    from app.core.database import Database
    from tests.conftest import World
    from tests.dashboards.web.people import Person

NOW = datetime.now(UTC)
BODY = b'{"event_id":"e1","type":"a","payload":{"note":"</pre><script>alert(1)</script>"}}'


@pytest.fixture
def letters(database: Database, world: World) -> list[str]:
    made = [
        DeadLetter(
            account_id=account_id,
            id=LetterId(f"07n-173226900000{number}-0", 0),
            event_id=f"e{number}",
            type="a",
            reason=Reason.REFUSED_BY_STORE,
            detail="It cannot be stored.",
            attempts=1,
            body=BODY,
            received_at=NOW,
            died_at=NOW,
        )
        for number, account_id in enumerate(("acme", "acme", "bolt"))
    ]
    with database.begin() as connection:
        dead_letters_store.insert_letters(connection, made)
    return [str(letter.id) for letter in made]


def left(database: Database) -> int:
    with database.begin() as connection:
        return len(dead_letters_store.page(connection, Selection(), after=None, limit=10))


def test_without_work_it_says_so(viewer: Person) -> None:
    page = text_of(viewer.get("/ui/queue"))

    assert "No dead letter" in page
    assert "16 shards without one" in page


def test_what_waits_is_shown_by_lane_and_shard(viewer: Person, world: World) -> None:
    sent = viewer.client.post(
        "/events",
        json={"events": [{"event_id": str(number), "type": "a"} for number in range(3)]},
        headers={"Authorization": f"Bearer {world.alice.key}"},
    )
    page = text_of(viewer.get("/ui/queue/live"))

    assert sent.status_code == 202
    assert "Events waiting 3 1 batches" in page
    assert "normal 1 3" in page


def test_a_letter_shows_what_it_holds_as_text(viewer: Person, letters: list[str]) -> None:
    page = viewer.get("/ui/queue")

    assert page.text.count("&lt;script&gt;alert(1)") == 3
    assert "<script>alert" not in page.text
    assert "Replay" not in text_of(page)
    assert text_of(viewer.get("/ui/queue?account_id=bolt")).count("What it holds") == 1
    assert "None matches" in text_of(viewer.get("/ui/queue?reason=unreadable"))


def test_on_call_replays_and_admins_purge(
    oncall: Person, admin: Person, letters: list[str], database: Database, redis_client: Any
) -> None:
    one = oncall.post(f"/ui/queue/letters/{letters[0]}/replay")
    every = oncall.post("/ui/queue/letters/replay", account_id="acme", reason="")
    kept = oncall.post(f"/ui/queue/letters/{letters[2]}/purge")
    purged = admin.post(f"/ui/queue/letters/{letters[2]}/purge")

    assert (one.location, every.location) == ("/ui/queue?replayed=1#letters", "/ui/queue?replayed=2#letters")
    assert (kept.status_code, purged.status_code) == (403, 303)
    assert left(database) == 2
    recorded = [(entry.actor.name, entry.action) for entry in Audit(database).page(limit=3)]
    assert recorded == [
        ("admin@example.com", "dlq.purge"),
        ("oncall@example.com", "dlq.replay_all"),
        ("oncall@example.com", "dlq.replay"),
    ]


def test_what_is_no_letter_is_refused(oncall: Person) -> None:
    assert oncall.post("/ui/queue/letters/nothing/replay").status_code == 404
    assert oncall.post("/ui/queue/letters/07n-1-1.0/replay").status_code == 404
    assert oncall.get("/ui/queue?account_id=%2F").status_code == 400
    assert oncall.get("/ui/queue?after=x").status_code == 400
