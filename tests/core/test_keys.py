from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.keys import ApiKey, KeyState, Scope, expiry_after_rotation, new_key, parse_key
from app.domain.shards import ACCOUNT_ID

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = ApiKey(account_id="acme", key_id="k" * 12, digest=b"", scopes=frozenset({Scope.EVENTS_WRITE}), created_at=NOW)


@given(account_id=st.from_regex(ACCOUNT_ID, fullmatch=True))
def test_a_new_key_reads_back_as_its_account_its_id_and_the_digest_that_is_kept(account_id: str) -> None:
    text, key_id, digest = new_key(account_id)

    presented = parse_key(text)

    assert presented is not None
    assert (presented.account_id, presented.key_id) == (account_id, key_id)
    assert presented.digest_hex == digest.hex() == sha256(text.rpartition(".")[2].encode()).hexdigest()


def test_keys_do_not_repeat() -> None:
    assert len({new_key("acme").text for _ in range(1_000)}) == 1_000


def test_a_new_key_does_not_show_its_secret_when_it_is_logged() -> None:
    key = new_key("acme")

    assert key.text.rpartition(".")[2] not in repr(key)


@given(text=st.text())
def test_anything_else_is_no_key(text: str) -> None:
    assert parse_key(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "slip.acme.aaaaaaaaaaaa." + "s" * 42,
        "slip.acme.aaaaaaaaaaaa." + "s" * 44,
        "slip.acme.AAAAAAAAAAAA." + "s" * 43,
        "slip.acme.revision." + "s" * 43,
        "slip.-acme.aaaaaaaaaaaa." + "s" * 43,
        "slip.ac me.aaaaaaaaaaaa." + "s" * 43,
        "slip..aaaaaaaaaaaa." + "s" * 43,
        "slip.acme.aaaaaaaaaaaa." + "s" * 43 + "\n",
        "slip.acmé.aaaaaaaaaaaa." + "s" * 43,
        "slap.acme.aaaaaaaaaaaa." + "s" * 43,
    ],
)
def test_a_key_that_is_nearly_one_is_none(text: str) -> None:
    assert parse_key(text) is None


@pytest.mark.parametrize(
    ("key", "state"),
    [
        pytest.param(KEY, KeyState.ACTIVE, id="without an end it is active"),
        pytest.param(replace(KEY, expires_at=NOW + DAY), KeyState.ACTIVE, id="before its end it is active"),
        pytest.param(replace(KEY, expires_at=NOW), KeyState.EXPIRED, id="at its end it is expired"),
        pytest.param(replace(KEY, revoked_at=NOW), KeyState.REVOKED, id="revoked it is revoked"),
        pytest.param(
            replace(KEY, revoked_at=NOW, expires_at=NOW), KeyState.REVOKED, id="revoked and expired it is revoked"
        ),
    ],
)
def test_the_state_of_a_key(key: ApiKey, state: KeyState) -> None:
    assert key.state(NOW) is state


def test_a_rotated_key_ends_after_the_overlap() -> None:
    assert expiry_after_rotation(KEY, NOW, DAY) == NOW + DAY


def test_a_rotated_key_does_not_live_longer_for_it() -> None:
    key = replace(KEY, expires_at=NOW + timedelta(hours=1))

    assert expiry_after_rotation(key, NOW, DAY) == key.expires_at


def test_a_key_rotated_without_overlap_ends_now() -> None:
    key = replace(KEY, expires_at=expiry_after_rotation(KEY, NOW + timedelta(milliseconds=1), timedelta(0)))

    assert key.state(NOW + timedelta(milliseconds=1)) is KeyState.EXPIRED
