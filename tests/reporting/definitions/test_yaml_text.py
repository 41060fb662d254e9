"""YAML as plain values: exact numbers, lines, nothing that runs, nothing that explodes; and back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reporting.definitions.findings import DefinitionError
from reporting.definitions.yaml_text import MOST_CHARACTERS, read, write


def refused(text: str) -> tuple[str, str, int | None]:
    with pytest.raises(DefinitionError) as error:
        read(text)
    (finding,) = error.value.findings
    return finding.code, finding.path, finding.line


def value(text: str) -> Any:
    (document,) = read(text)
    return document.value


@pytest.mark.parametrize(
    ("scalar", "meant"),
    [
        ("0.9990", Decimal("0.9990")),
        ("99.9999", Decimal("99.9999")),
        (".5", Decimal("0.5")),
        ("1e3", Decimal(1000)),
        ("-7", -7),
        ("012", 12),
        ("true", True),
        ("~", None),
        ("''", ""),
        ("'5'", "5"),
        ("!!str 5", "5"),
        # YAML 1.1 makes booleans, numbers to the base of sixty and dates of these.
        ("on", "on"),
        ("no", "no"),
        ("1:30", "1:30"),
        ("2022-01-01 12:00:00", "2022-01-01 12:00:00"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        (".nan", ".nan"),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says(scalar: str, meant: object) -> None:
    found = value(f"a: {scalar}")["a"]

    assert found == meant
    assert type(found) is type(meant)


def test_every_value_has_its_line_in_every_document() -> None:
    first, second = read("a: 1\nb:\n  - c: 2\n  - 3\n---\n# Nothing here.\nd: {e: 4}\n")

    assert [first.line(path) for path in ((), ("a",), ("b",), ("b", 0, "c"), ("b", 1))] == [1, 1, 3, 3, 4]
    assert second.line(("d", "e")) == 7


def test_what_is_missing_has_the_line_of_what_is_around_it() -> None:
    (document,) = read("a: 1\nb:\n  c: 2\n")

    assert document.line(("b", "x", 5)) == 3


def test_documents_without_content_are_left_out() -> None:
    assert [document.value for document in read("---\na: 1\n---\n---\n# nothing\n")] == [{"a": 1}]
    assert read("") == []


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: 1\na: 2", "duplicate_key", 2),
        ("a: [1", "yaml", 2),
        ("a: b: c", "yaml", 1),
        ("a: *b", "unknown_alias", 1),
        ("a: &x [*x]", "unknown_alias", 1),
        ("? [a]\n: 2", "key_not_text", 1),
        ("? &k a\n: 1\n? *k\n: 2", "key_not_text", 3),
        ("5: 1", "key_not_text", 1),
        ("a: 1\ntrue: 1", "key_not_text", 2),
        ("!!python/object/apply:os.system ['true']", "tag", 1),
        ("a: !!python/name:os.system ''", "tag", 1),
        ("a: !!binary aGk=", "tag", 1),
        ("a: !mine {}", "tag", 1),
        ("a: " + "[" * 100, "too_deep", 1),
        ("a: \x00", "yaml", None),
        ("a: \ud800", "yaml", None),
        ('a: 1\nb: "x\\0y"', "nul", 2),
        ('"a\\0": 1', "nul", 1),
        ("#" * (MOST_CHARACTERS + 1), "too_long", None),
    ],
)
def test_a_text_that_cannot_be_read_is_refused_with_its_line(text: str, code: str, line: int | None) -> None:
    found, _, at = refused(text)

    assert (found, at) == (code, line)


def test_a_few_lines_of_aliases_do_not_become_billions_of_values() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]

    assert refused("\n".join(lines))[0] == "too_long"


def test_aliases_of_aliases_do_not_nest_deeper_than_what_is_written() -> None:
    lines = ["a0: &a0 x"]
    lines += [f"a{n}: &a{n} {'[' * 20}*a{n - 1} {']' * 20}" for n in range(1, 12)]

    assert refused("\n".join(lines))[0] == "too_deep"


def test_an_alias_repeats_what_it_stands_for() -> None:
    assert value("a: &x {b: [1]}\nc: *x\nd: [*x, &y 5, *y]") == {
        "a": {"b": [1]},
        "c": {"b": [1]},
        "d": [{"b": [1]}, 5, 5],
    }


# What YAML can say at all: no control characters, no halves of characters.
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\ufffe\uffff") | st.sampled_from("\n\t "),
    max_size=20,
) | st.sampled_from(["5", "0.5", "on", "null", "~", "", "08", "1e3", "2022-01-01", "- a", "a: b", "#", "'", "|", "x\n"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.decimals(-(10**9), 10**9, places=4, allow_nan=False)
    | texts
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)


@given(st.lists(st.dictionaries(texts, values, min_size=1, max_size=4), min_size=1, max_size=3))
def test_what_is_written_reads_back_as_it_was(documents: list[dict[str, Any]]) -> None:
    assert [document.value for document in read(write(documents))] == documents


@given(st.dictionaries(texts, st.booleans() | st.integers() | texts, min_size=1, max_size=4))
def test_other_tools_read_the_same(document: dict[str, Any]) -> None:
    """PyYAML reads YAML 1.1, as the tools written in Go do."""
    assert yaml.safe_load(write([document])) == document


@given(st.text(max_size=200))
def test_no_text_is_more_than_refused(text: str) -> None:
    try:
        read(text)
    except DefinitionError as error:
        assert error.findings  # noqa: PT017 - Either outcome is right.
