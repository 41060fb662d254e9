"""What names an account in texts, and what stands there from now on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LETTER = "[A-Za-z0-9_-]"
"""Of account ids: `bolt` is not named where it says `bolt-eu`, which is another account."""


@dataclass(frozen=True, slots=True)
class Words:
    """`names` are replaced by `instead` wherever they stand as whole words."""

    names: tuple[str, ...]
    instead: str
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        alternatives = "|".join(re.escape(name) for name in sorted(self.names, key=len, reverse=True))
        object.__setattr__(self, "_pattern", re.compile(f"(?<!{_LETTER})(?:{alternatives})(?!{_LETTER})"))

    def named_in(self, text: str) -> bool:
        """Say whether a text names the account."""
        return self._pattern.search(text) is not None

    def replaced(self, text: str) -> str:
        """Return the text without the names."""
        return self._pattern.sub(lambda _: self.instead, text)

    def without(self, value: object) -> object:
        """Return a value of a column, or of JSON, without the names, in keys too."""
        if isinstance(value, str):
            return self.replaced(value)
        if isinstance(value, list):
            return [self.without(each) for each in value]
        if isinstance(value, dict):
            return {self.without(key): self.without(each) for key, each in value.items()}
        return value

    def named_within(self, value: object) -> bool:
        """Say whether a value of a column, or of JSON, names the account."""
        if isinstance(value, str):
            return self.named_in(value)
        if isinstance(value, list | tuple):
            return any(map(self.named_within, value))
        if isinstance(value, dict):
            return any(self.named_within(each) for pair in value.items() for each in pair)
        return False

    def with_names(self, more: Iterable[str]) -> Words:
        """Return the same with more names."""
        return Words(tuple(dict.fromkeys((*self.names, *more))), self.instead)
