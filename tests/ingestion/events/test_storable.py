"""The quick look says yes only where the exact examination finds nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingestion.events.examination import parse, unstorable
from ingestion.events.storable import number_refusal, surely_storable
from tests.ingestion.events.json_texts import payloads, values


def nested(levels: int, opening: str = '{"a":', closing: str = "}") -> str:
    """An object in which objects (or something else) nest so many levels deep."""
    return opening * (levels - 1) + "{}" + closing * (levels - 1)


@given(payloads(poison=True) | values(poison=True))
@example('{"a":' + "[" * 32 + "]" * 32 + "}")
@example('{"a":' + '[{"a":' * 16 + "[]" + "}]" * 16 + "}")
@example('{"a":[' + '["]"],' * 31 + "[" * 32 + "]" * 32 + ',"["]}')
@example('{"a\\"":[' + '["\\\\"],' * 40 + "[" * 31 + "]" * 31 + "]}")
def test_what_the_quick_look_lets_pass_has_nothing_that_cannot_be_stored(text: str) -> None:
    assert not (surely_storable(text.encode()) and unstorable(parse(text), "payload"))


@given(payloads(poison=False))
def test_the_exact_look_finds_nothing_in_what_is_within_the_rules(text: str) -> None:
    assert unstorable(parse(text), "payload") == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"a":1,"b":[1.5,true,null],"c":{"d":"Zürich ✈"}}', id="plain values"),
        pytest.param('{"zero":0.0,"minus":-0,"tiny":1e-300,"large":1.7976931348623157e308}', id="ordinary numbers"),
        pytest.param('{"id":"3e400","hex":"1e999"}', id="strings that look like huge numbers"),
        pytest.param(json.dumps({"items": [{"tags": ["a"]} for _ in range(100)]}), id="many brackets that nest little"),
        pytest.param(json.dumps({"items": [{"say": 'a "b" \\'} for _ in range(100)]}), id="the same with escapes"),
        pytest.param(nested(32), id="as deep as may be"),
        pytest.param(r'{"a":"\n\t\u00e9\ud83d\ude00"}', id="escapes"),
    ],
)
def test_the_quick_look_is_enough_for(text: str) -> None:
    assert surely_storable(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(r'{"a":"\\u0000"}', id="a backslash before u0000"),
        pytest.param('{"a":"' + "1" * 400 + '"}', id="a string of many digits"),
        pytest.param(json.dumps({"a": [[":["]] * 20}), id="many brackets, some in strings"),
    ],
)
def test_the_exact_look_settles_what_the_quick_one_doubts(text: str) -> None:
    assert not surely_storable(text.encode())
    assert unstorable(parse(text), "payload") == []


@pytest.mark.parametrize(
    ("text", "path", "why"),
    [
        pytest.param(r'{"a":"x\u0000"}', "payload.a", "NUL", id="NUL in a string"),
        pytest.param(
            r'{"a\u0000":1}', r'payload["a\x00"]', "has a name that contains the character NUL", id="NUL in a name"
        ),
        pytest.param(
            r'{"a":[0,{"b c":"\ud800"}]}', 'payload.a[1]["b c"]', "half of a surrogate pair", id="a high surrogate"
        ),
        pytest.param(
            r'{"a":"\udc00\ud800"}', "payload.a", "half of a surrogate pair", id="surrogates in the wrong order"
        ),
        pytest.param('{"a":NaN}', "payload.a", "is NaN, which is not JSON", id="NaN"),
        pytest.param('{"a":-Infinity}', "payload.a", "is -Infinity, which is not JSON", id="infinity by name"),
        pytest.param('{"a":-1e400}', "payload.a", "beyond ±1.797e308", id="a number that doubles cannot hold"),
        pytest.param('{"a":' + "9" * 400 + "}", "payload.a", "beyond ±1.797e308", id="the same without an exponent"),
        pytest.param('{"a":1e-20000}', "payload.a", "exponent beyond ±999", id="a number too small for numeric"),
        pytest.param('{"a":0e99999}', "payload.a", "exponent beyond ±999", id="zero with a huge exponent"),
        pytest.param(
            '{"a":0.' + "0" * 20_000 + "1}", "payload.a", "20,003 characters", id="more digits than numeric has"
        ),
        pytest.param(
            '{"a":' + "1" * 5_000 + "}", "payload.a", "5,000 characters", id="more digits than Python converts"
        ),
        pytest.param(r'{"a":"\u0000","a":1}', "payload.a", "NUL", id="what a later member of the same name replaces"),
        pytest.param(nested(33), "payload" + ".a" * 32, "deeper than 32 levels", id="objects nested too deep"),
        pytest.param(
            '{"a":' + "[" * 32 + "]" * 32 + "}", "payload.a" + "[0]" * 31, "deeper than 32", id="arrays nested too deep"
        ),
    ],
)
def test_what_cannot_be_stored_is_named_with_its_place(text: str, path: str, why: str) -> None:
    ((found_path, found_why),) = unstorable(parse(text), "payload")

    assert not surely_storable(text.encode())
    assert found_path == path
    assert why in found_why


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        pytest.param('["}",', ',"{"]', id="brackets in strings that seem to close the real ones"),
        pytest.param(r'["\"}\"",', r',"\"{\""]', id="the same between escaped quotes"),
        pytest.param(r'["\\","}","\\",', r',"\\","{","\\"]', id="the same between escaped backslashes"),
    ],
)
def test_strings_cannot_lie_about_the_depth(opening: str, closing: str) -> None:
    def payload(levels: int) -> str:
        return '{"a":' + opening * (levels - 1) + "0" + closing * (levels - 1) + "}"

    assert unstorable(parse(payload(32)), "payload") == []
    assert not surely_storable(payload(33).encode())
    assert unstorable(parse(payload(33)), "payload") != []


def test_a_path_and_a_reason_can_stand_in_any_answer() -> None:
    text = '{"' + "\\ud800" * 100 + '":{"' + "ä" * 100 + '":NaN}}'

    refusals = unstorable(parse(text), "payload")

    assert refusals[1][0] == r'payload["' + r"\ud800" * 39 + '…"]["' + "ä" * 39 + '…"]'


def test_an_answer_does_not_outgrow_its_question() -> None:
    assert len(unstorable(parse('{"a":[' + "NaN," * 10_000 + "0]}"), "payload")) == 5


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,400})(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?", fullmatch=True))
def test_a_number_that_is_taken_is_finite_and_far_within_numeric(text: str) -> None:
    if number_refusal(text) is None:
        exponent = int(text.lower().partition("e")[2] or 0)
        assert abs(float(text)) < float("inf")
        assert len(text) <= 1_000
        assert abs(exponent) <= 999
