r"""What PostgreSQL's `text` and `jsonb` can hold, and every reader of them can use.

JSON allows more: `\u0000`, half a surrogate pair, numbers of any size. Whatever is refused here would abort the INSERT of
a whole bundle later, or come out of a reader as infinity.

`surely_storable` is the quick look: it may say yes only when that is certain, and leaves the rest to `examination`.
"""

from __future__ import annotations

import math
import re
from typing import Any

from msgspec import MsgspecError
from msgspec.json import Decoder

from ingestion.events.model import MAX_DEPTH, MAX_EVENT_BYTES

LONGEST_NUMBER = 1_000
"""Characters of one number, as written."""
LARGEST_EXPONENT = 999
"""With the longest number this stays far below numeric's limits: 131,072 digits before the point, 16,383 after it."""

CANNOT_DECODE = (MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for input that it does not take."""

_SURE_DIGITS = 308
"""A number of so many digits and no exponent is below the largest double, 1.797…e308."""
_SHORT = 24
"""A number of so few characters is fine without an exponent, and with one if it is neither zero nor infinite as a double."""
_ALIKE = bytes.maketrans(b"123456789[", b"000000000{")
"""Makes all digits alike, and the two opening brackets, so that one search finds any of them."""
_LONG_RUN = b"0" * (_SURE_DIGITS + 1)
_BRACES = bytes.maketrans(b"[]", b"{}")
_NOT_MARKS = bytes(byte for byte in range(256) if byte not in b'{}[]"')
_EXPONENT = re.compile("[eE]")


def check_utf_8(body: bytes) -> None:
    """Raise `UnicodeDecodeError` for a body that is not UTF-8; msgspec does not look into what it passes over."""
    if not body.isascii():
        body.decode()


def number_refusal(text: str) -> str | None:
    """Say why a number, as it is written in JSON, is not taken."""
    plain = "e" not in text and "E" not in text
    if len(text) <= _SHORT and (plain or 0.0 < abs(float(text)) < math.inf):
        return None
    if len(text) > LONGEST_NUMBER:
        return f"is a number of {len(text):,} characters; at most {LONGEST_NUMBER:,} are taken"
    exponent = _EXPONENT.split(text)[1:]
    if exponent and abs(int(exponent[0])) > LARGEST_EXPONENT:
        return f"has an exponent beyond ±{LARGEST_EXPONENT}"
    if math.isinf(float(text)):
        return "is beyond ±1.797e308, the largest number that common readers of JSON can hold"
    return None


def text_refusal(text: str) -> str | None:
    """Say why a string, decoded, is not taken."""
    if "\0" in text:
        return r"contains the character NUL (\u0000), which cannot be stored"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"contains half of a surrogate pair (\\u{ord(text[error.start]):04x}), which is not a character"
    return None


def _fraction(text: str) -> float:
    """Stand in for a number with a point or an exponent: only the refusal counts."""
    why = number_refusal(text)
    if why is not None:
        raise ValueError(why)
    return 0.0


_object = Decoder(dict[str, Any], float_hook=_fraction)


def surely_storable(payload: bytes) -> int:
    r"""Return how many brackets open in the JSON of an object that can certainly be stored, and 0 if that is not certain.

    Decoding it settles syntax, UTF-8, surrogates and fractions. `\u0000` may be an escaped backslash before `u0000`, and a
    long run of digits may stand in a string: then the answer is no, and the exact examination decides.
    """
    if len(payload) > MAX_EVENT_BYTES:
        return 0
    try:
        _object.decode(payload)
    except CANNOT_DECODE:
        return 0
    if b"\\" in payload and b"\\u0000" in payload:
        return 0
    alike = payload.translate(_ALIKE)
    if len(payload) > _SURE_DIGITS and _LONG_RUN in alike:
        return 0
    brackets = alike.count(b"{")
    return brackets if brackets <= MAX_DEPTH or _is_surely_shallow(payload) else 0


def brackets_of(text: bytes) -> int:
    """Count the brackets that open, in strings too."""
    return text.count(b"{") + text.count(b"[")


def _is_surely_shallow(payload: bytes) -> bool:
    """Whether JSON nests at most `MAX_DEPTH` deep, without looking at it byte by byte.

    Only brackets, written as braces, and quotes are kept. Once escapes are gone, the quotes of a string without brackets
    stand next to each other and are dropped; if any quote is left, some string has brackets and the answer is no. Then
    each round peels off the innermost level.
    """
    if b"\\" in payload:
        payload = payload.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = payload.translate(_BRACES, _NOT_MARKS).replace(b'""', b"")
    for _ in range(MAX_DEPTH):
        marks = marks.replace(b"{}", b"")
        if not marks:
            return True
    return False
