from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from app.core.passwords import Passwords


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords()


def test_a_password_matches_its_own_hash_alone(passwords: Passwords) -> None:
    hashed = passwords.hash("a correct horse and a battery")

    assert hashed.startswith("$argon2id$")
    assert passwords.matches(hashed, "a correct horse and a battery")
    assert not passwords.matches(hashed, "a correct horse and a batterY")


def test_without_a_hash_nothing_matches_and_as_much_is_done(passwords: Passwords) -> None:
    assert not passwords.matches(None, "nobody has this password")
    assert not passwords.matches("not a hash", "x")


def test_the_same_characters_are_the_same_password_however_they_are_composed(passwords: Passwords) -> None:
    hashed = passwords.hash("fünf lange Wörter")

    assert passwords.matches(hashed, "fu\u0308nf lange Wo\u0308rter")


def test_a_hash_that_was_cheaper_is_outdated(passwords: Passwords) -> None:
    assert passwords.outdated(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x"))
    assert not passwords.outdated(passwords.hash("x"))
