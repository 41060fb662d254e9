"""Strategies for JSON as it is written, which is where its surprises are: escapes, digits, repeated names, depth."""

from __future__ import annotations

from hypothesis import strategies as st

_CHARACTERS = st.one_of(
    st.characters(codec="utf-8", exclude_characters='"\\', exclude_categories=["Cs"]).filter(lambda c: c >= " "),
    st.sampled_from("\x7f\x80\x9f\u200b\u2028\ufdd0\ufeff\ufffe\uffff\U0001f600\U0010ffff[]{},:eE0-"),
)
_GOOD_ESCAPES = st.one_of(
    st.sampled_from([r"\"", r"\\", r"\/", r"\b", r"\f", r"\n", r"\r", r"\t", r"\ud83d\ude00", r"\uDBFF\uDFFF"]),
    st.sampled_from([r"\u0001", r"\u007f", r"\uFFFF", r"\ufdd0", r"\u005c", r"\u0022", r"\\u0000", r"\\ud800"]),
    st.integers(1, 0xD7FF).map(lambda point: f"\\u{point:04x}"),
)
_BAD_ESCAPES = st.sampled_from([r"\u0000", r"\ud800", r"\udc00\ud800", r"\uDFFF", r"\\\u0000", r"\ud83d\u0041"])

_GOOD_NUMBERS = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(1, 300).map(lambda digits: "9" * digits),
    st.integers(1, 990).map(lambda digits: "-0." + "0" * digits + "1"),
    st.integers(-999, 300).map(lambda exponent: f"1E{exponent:+}"),
    st.sampled_from(["-0", "0e999", "0.0e-999", "1e-999", "1.7976931348623157e308", "5e-324", "1e+0000000001"]),
    st.sampled_from(["1" + "0" * 308, "0." + "1" * 998, "9" * 308 + "." + "9" * 691, "123456789e-5"]),
)
_TOO_LONG = ["9" * 310, "1" * 1001, "1" * 5000, "0." + "0" * 1000, "0." + "0" * 20_000 + "1"]
_TOO_LARGE = ["1e309", "-1e400", "1.8e308", "1e-1000", "1e-20000", "1e999999999999", "0e1000"]
_BAD_NUMBERS = st.sampled_from([*_TOO_LONG, *_TOO_LARGE, "NaN", "Infinity", "-Infinity"])
_CONSTANTS = st.sampled_from(["true", "false", "null"])
_SPACE = st.sampled_from(["", "", "", " ", "\n\t\r "])


def strings(*, poison: bool) -> st.SearchStrategy[str]:
    """Strings between quotes."""
    parts = [_CHARACTERS, _GOOD_ESCAPES] + ([_BAD_ESCAPES] if poison else [])
    return st.lists(st.one_of(*parts), max_size=8).map(lambda found: '"' + "".join(found) + '"')


def values(*, poison: bool) -> st.SearchStrategy[str]:
    """Any value; at most a few levels deep."""
    scalars = [strings(poison=poison), _GOOD_NUMBERS, _CONSTANTS] + ([_BAD_NUMBERS] if poison else [])
    return st.recursive(
        st.one_of(*scalars),
        lambda inner: st.one_of(arrays(inner), objects(inner, poison=poison)),
        max_leaves=8,
    )


def arrays(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(st.lists(inner, max_size=4), _SPACE).map(lambda t: "[" + f",{t[1]}".join(t[0]) + "]")


def objects(inner: st.SearchStrategy[str], *, poison: bool) -> st.SearchStrategy[str]:
    """Objects, some of which repeat a name."""
    names = st.one_of(st.sampled_from(['"a"', '"a"', '"\\u0061"', '""']), strings(poison=poison))
    members = st.lists(st.tuples(names, inner), max_size=4)
    return st.tuples(members, _SPACE).map(
        lambda t: "{" + f"{t[1]},".join(f"{name}{t[1]}:{value}" for name, value in t[0]) + t[1] + "}"
    )


@st.composite
def payloads(draw: st.DrawFn, *, poison: bool) -> str:
    """Objects, of which some nest to the limit of 32, with `poison` beyond. Brackets in strings lie about the depth."""
    text = draw(objects(values(poison=poison), poison=poison))
    levels = max(2, text.count("{") + text.count("["))
    wraps = draw(st.sampled_from([0, 1, 2, max(0, 31 - levels) + (2 if poison else 0)]))
    shape = draw(st.sampled_from(['{"a":%s}', '{"[[{{":"]","a":%s}', '{"a":1,"a":%s,"b":[[],{}]}']))
    for number in range(wraps):
        text = f"[{text}]" if number % 2 else shape.replace("%s", text)
    return shape.replace("%s", text) if text.startswith("[") else text
