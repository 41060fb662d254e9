"""Colours of charts. Each pair that means something differs in lightness too, and none is the only sign of what it says.

Good and bad are a bluish green and a vermilion, which people who see no red or no green tell apart (Okabe and Ito, 2008).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """`none` is for what is not known: grey, never `good`."""

    ink: str
    muted: str
    faint: str
    grid: str
    paper: str
    good: str
    good_tint: str
    bad: str
    bad_tint: str
    doubtful: str
    doubtful_tint: str
    none: str
    none_tint: str
    accent: str
    accent_tint: str


LIGHT = Palette(
    ink="#16202c",
    muted="#566475",
    faint="#8a96a5",
    grid="#e3e8ee",
    paper="#ffffff",
    good="#0b7a5c",
    good_tint="#cfeadf",
    bad="#b93a10",
    bad_tint="#f7cfbf",
    doubtful="#8a6100",
    doubtful_tint="#f8e5b0",
    none="#8a96a5",
    none_tint="#e6eaef",
    accent="#1d5b9e",
    accent_tint="#c9dcf1",
)
DARK = Palette(
    ink="#e8edf3",
    muted="#a5b1bf",
    faint="#7d8a99",
    grid="#2b3644",
    paper="#121923",
    good="#3fc79b",
    good_tint="#14453a",
    bad="#ff8a5c",
    bad_tint="#5c2a17",
    doubtful="#f0c04c",
    doubtful_tint="#4d3d10",
    none="#7d8a99",
    none_tint="#27313e",
    accent="#6fb1f5",
    accent_tint="#1c3a5c",
)
