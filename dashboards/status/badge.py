"""A service's state as a small picture, for a README or a help page."""

from __future__ import annotations

from markupsafe import escape

from dashboards.status.state import State

_COLOURS = {
    State.OPERATIONAL: "#15703c",
    State.DEGRADED: "#92540a",
    State.OUTAGE: "#b3261e",
    State.MAINTENANCE: "#2459a9",
    State.NO_DATA: "#566072",
}
"""White on each of them has a contrast of 5 or more."""
_LABEL = "#343c4a"
_PER_LETTER, _PADDING, _HEIGHT = 7, 16, 20
_LONGEST = 40


def badge(service: str, state: State) -> bytes:
    """Return an SVG that needs nothing from anywhere; its text is stretched to the width that was reckoned for it."""
    name = service if len(service) <= _LONGEST else f"{service[: _LONGEST - 1]}…"
    words = state.words.lower()
    left, right = (len(text) * _PER_LETTER + _PADDING for text in (name, words))
    about = escape(f"{name}: {words}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{_HEIGHT}" role="img" aria-label="{about}">'
        f"<title>{about}</title>"
        f'<clipPath id="round"><rect width="{left + right}" height="{_HEIGHT}" rx="4"/></clipPath>'
        f'<g clip-path="url(#round)"><rect width="{left}" height="{_HEIGHT}" fill="{_LABEL}"/>'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{_COLOURS[state]}"/></g>'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">'
        f"{_text(name, left / 2, left)}{_text(words, left + right / 2, right)}</g></svg>"
    ).encode()


def _text(text: str, middle: float, width: int) -> str:
    return f'<text x="{middle:g}" y="14" textLength="{width - _PADDING}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
