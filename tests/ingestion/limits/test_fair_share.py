from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.limits import fair_share
from tests.ingestion.limits.conftest import script_of

if TYPE_CHECKING:
    from app.core.valkey import Valkey

BUNDLE = 5_000


def test_accounts_in_flight_share_one_bundle() -> None:
    assert not fair_share.is_above(1_249, accounts=4, bundle=BUNDLE)
    assert fair_share.is_above(1_250, accounts=4, bundle=BUNDLE)


def test_however_many_they_are_each_has_a_little() -> None:
    assert not fair_share.is_above(fair_share.FLOOR - 1, accounts=1_000, bundle=BUNDLE)


def test_whoever_has_nothing_in_flight_is_never_above_his_share() -> None:
    assert not fair_share.is_above(0, accounts=1_000, bundle=1)


@given(in_flight=st.integers(0, 20_000), accounts=st.integers(0, 100), bundle=st.integers(1, 100_000))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_script_and_rules_never_differ(valkey: Valkey, in_flight: int, accounts: int, bundle: int) -> None:
    source = """
    local above = above_fair_share(tonumber(ARGV[1]), function() return tonumber(ARGV[2]) end, tonumber(ARGV[3]))
    return above and 1 or 0
    """
    script = script_of(valkey, "fair_share", source)

    assert script([], [in_flight, accounts, bundle]) == fair_share.is_above(in_flight, accounts=accounts, bundle=bundle)
