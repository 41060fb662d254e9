from __future__ import annotations

import pytest

from app.core.erasure.words import Words, tells

WORDS = Words(("bolt", "Bolt & Sons (Ltd.)"), "erased:1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bolt", "erased:1"),
        ("bolt/k3y, and bolt's sender", "erased:1/k3y, and erased:1's sender"),
        ("mail to ops@bolt.example", "mail to ops@erased:1.example"),
        ("Bolt & Sons (Ltd.) of bolt.2026-11.80", "erased:1 of erased:1.2026-11.80"),
        ("bolt-eu, bolt_2, thunderbolt, bolts and Bolt", "bolt-eu, bolt_2, thunderbolt, bolts and Bolt"),
        ("", ""),
    ],
)
def test_whole_words_are_replaced_and_other_accounts_keep_their_names(text: str, expected: str) -> None:
    assert WORDS.replaced(text) == expected
    assert WORDS.named_in(text) == (text != expected)


def test_json_is_gone_through_to_its_last_key() -> None:
    value = {"a": ["bolt", 1, None, {"bolt": "x", "y": True}], "b": 0.5}

    assert WORDS.without(value) == {"a": ["erased:1", 1, None, {"erased:1": "x", "y": True}], "b": 0.5}
    assert WORDS.named_within(value)
    assert not WORDS.named_within(WORDS.without(value))


def test_other_things_that_are_called_like_the_account_keep_their_names_unless_they_tell_whose_they_are() -> None:
    words = WORDS.with_labels(["latency-of-bolt", "shop-of-bolt"])
    filters = {"service": ["bolt", "shop-of-bolt"], "account_id": ["bolt", "bolt-eu"], "slo": "latency-of-bolt"}

    assert words.replaced("latency-of-bolt burns") == "erased:1 burns"
    assert words.without(filters) == {
        "service": ["bolt", "erased:1"],
        "account_id": ["erased:1", "bolt-eu"],
        "slo": "erased:1",
    }
    assert words.without({"name": "bolt"}, others=frozenset({"name"})) == {"name": "bolt"}
    assert (words.unlabelled("bolt"), words.unlabelled("shop-of-bolt")) == ("bolt", "erased:1")


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ("bolt/k3y", "erased:1/k3y"),
        ("bolt", "bolt"),
        ("cli:bolt", "cli:bolt"),
        ("bolt-eu/k3y", "bolt-eu/k3y"),
        ("bolt@example.org", "bolt@example.org"),
    ],
)
def test_who_did_something_is_replaced_only_where_it_was_a_key_of_the_account(actor: str, expected: str) -> None:
    assert WORDS.signed(actor) == expected


@pytest.mark.parametrize("name", [".", "...", "42", "2026", "AG", ""])
def test_names_that_stand_in_every_text_are_not_looked_for(name: str) -> None:
    assert not tells(name)
    assert tells("Åbo")
