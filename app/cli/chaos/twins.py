"""The same batch again and again: by fifty clients at once under one key, and by several without one, in any order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.cli.chaos.courier import Batch, Courier
from app.cli.chaos.scene import StrikeError
from app.cli.sample_events import sample_events

if TYPE_CHECKING:
    from app.cli.chaos.scene import Scene

TWINS = 50
REPLAYS = 3
EVENTS = 100


@dataclass(frozen=True, slots=True)
class Twins:
    """One effect, whatever is repeated: twins under one Idempotency-Key are told of one batch."""

    about: str = "50 twins at once under one key; batches 3 times, reordered"

    def strike(self, scene: Scene) -> int:
        at = datetime.now(UTC)
        account = scene.random.choice(scene.accounts)
        events = sample_events(scene.random, EVENTS, at=at)
        key = f"{scene.name}-{scene.random.getrandbits(64):x}"
        twins = [Batch(f"{scene.name}-twin-{number}", account, events, key) for number in range(TWINS)]
        with ThreadPoolExecutor(TWINS) as pool:
            batch_ids = set(pool.map(lambda twin: _send(scene, [twin])[0], twins))
        if len(batch_ids) != 1:
            raise StrikeError(f"{TWINS} twins under one key were told of {len(batch_ids)} batches.")
        batches = [sample_events(scene.random, EVENTS, at=at) for _ in range(5)]
        replays = []
        for replay in range(REPLAYS):
            scene.random.shuffle(batches)
            replays.append(
                [
                    Batch(f"{scene.name}-replay-{replay}-{number}", account, scene.random.sample(batch, EVENTS))
                    for number, batch in enumerate(batches)
                ]
            )
        with ThreadPoolExecutor(REPLAYS) as pool:
            list(pool.map(lambda replay: _send(scene, replay), replays))
        return 0


def _send(scene: Scene, batches: list[Batch]) -> list[str]:
    with Courier(batches[0].number, scene.platform.base_url, directory=scene.load.directory) as courier:
        return [told.batch_id for batch in batches if (told := courier.send(batch))]
