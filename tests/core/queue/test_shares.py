from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.queue.shares import fair_share

names = st.sets(st.text("abcdefgh0123456789", min_size=1, max_size=8), min_size=1, max_size=24)


@given(workers=names)
def test_shares_add_up_to_all_shards_and_differ_by_one_at_most(workers: set[str]) -> None:
    shares = [fair_share(16, workers, me) for me in workers]

    assert sum(shares) == 16
    assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize(("workers", "shares"), [(1, [16]), (2, [8, 8]), (3, [6, 5, 5]), (5, [4, 3, 3, 3, 3])])
def test_the_remainder_goes_to_the_first_by_name(workers: int, shares: list[int]) -> None:
    living = [f"worker-{i}" for i in range(workers)]

    assert [fair_share(16, living, me) for me in living] == shares


def test_a_worker_counts_itself_before_others_have_heard_of_it() -> None:
    assert fair_share(16, ["other"], "me") == 8
