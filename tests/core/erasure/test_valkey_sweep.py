from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.erasure.valkey_sweep import ValkeySweep
from app.core.erasure.words import Words
from app.core.queue.dead_letters import DeadLetters
from app.core.queue.stream_huey import StreamHuey

if TYPE_CHECKING:
    from app.core.valkey import Valkey

WORDS = Words(("app",), "erased:1")


ERRORS = {"y": "of app", "z": "else"}


def fail(what: str, *, of: str = "") -> None:
    raise ValueError(ERRORS.get(what, of))


def test_a_task_that_was_given_up_goes_when_it_was_called_with_the_account_and_else_only_its_text_changes(
    valkey: Valkey,
) -> None:
    huey = StreamHuey(client=valkey)
    task = huey.task(name="app", retries=0)(fail)
    for args, others in ((("app",), {}), (("x",), {"of": "app"}), (("y",), {}), (("z",), {})):
        huey.enqueue(task.s(*args, **others))
        huey.execute(huey.dequeue())
    letters = DeadLetters(huey)
    died = {each.payload: each.died_at for each in letters}

    gone = ValkeySweep(valkey, valkey, huey).sweep("app", WORDS, closed_too=True)

    assert gone >= 2
    left = {huey.deserialize_task(each.payload).args[0]: each for each in letters}
    assert left.keys() == {"y", "z"}
    assert left["y"].reason == "ValueError('of erased:1')"
    assert left["z"].reason == "ValueError('else')"
    assert not any(WORDS.named_in(each.reason + each.traceback) for each in letters)
    assert all(each.traceback and each.died_at == died[each.payload] for each in letters)
    assert ValkeySweep(valkey, valkey, huey).sweep("app", WORDS, closed_too=True) == 0
    assert letters.replay(left["z"].id)
