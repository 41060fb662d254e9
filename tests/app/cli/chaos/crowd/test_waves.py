from __future__ import annotations

from app.cli.chaos.crowd.traffic import Ask
from app.cli.chaos.crowd.waves import NEVER_ACCEPTED, NOBODY_REFUSED, WAVE, Return, check_return, return_of


def ask(number: int, at_s: float, *, attempt: int = 0, status: int = 202) -> Ask:
    return Ask(
        account_id="a", client="", due_s=at_s, events=1, sent_s=at_s, number=number, attempt=attempt, status=status
    )


def seen(*arrivals: int, refused: int = 1, open_: int = 0) -> Return:
    return Return(arrivals, ordinary=10.0, attempts=2, refused=refused, open=open_)


def test_arrivals_are_counted_by_the_second_from_the_return_on() -> None:
    asks = [ask(1, 4.9, status=503), ask(1, 5.0, attempt=1), ask(2, 5.9), ask(3, 7.0, status=503)]

    found = return_of(asks, since_s=5.0, ordinary=1.0)

    assert found == Return([2, 0, 1], ordinary=1.0, attempts=2, refused=2, open=1)


def test_three_times_the_ordinary_is_no_wave_and_more_is_one() -> None:
    assert check_return(seen(30, 5)) == []
    assert [finding.rule for finding in check_return(seen(5, 31))] == [WAVE]


def test_a_run_in_which_nobody_was_refused_or_somebody_forgotten_is_red() -> None:
    assert [finding.rule for finding in check_return(seen(1, refused=0))] == [NOBODY_REFUSED]
    assert [finding.rule for finding in check_return(seen(1, open_=1))] == [NEVER_ACCEPTED]
