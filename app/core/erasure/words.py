"""What names an account in texts, and what stands there from now on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LETTER = "[A-Za-z0-9_-]"
"""Of account ids: `bolt` is not named where it says `bolt-eu`, which is another account."""
_OTHERS = frozenset(
    {"event", "kind", "method", "route", "rule", "service", "severity", "slo", "state", "tier", "type", "urgency"}
)
"""Fields of JSON that name other things, which may be called like an account: a service `bolt` stays one."""
_SHORTEST_NAME = 3


def tells(name: str) -> bool:
    """Say whether the name that people gave an account can be looked for: `.` or `AG` stand in every text."""
    return len(name) >= _SHORTEST_NAME and any(map(str.isalpha, name))


@dataclass(frozen=True, slots=True)
class Words:
    """`names`, the id first, are replaced by `instead` wherever they stand as whole words.

    `labels` are names of SLOs and services that say whose they are: they are replaced too, and also where other things
    are named.
    """

    names: tuple[str, ...]
    instead: str
    labels: tuple[str, ...] = ()
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        alternatives = "|".join(re.escape(name) for name in sorted((*self.names, *self.labels), key=len, reverse=True))
        object.__setattr__(self, "_pattern", re.compile(f"(?<!{_LETTER})(?:{alternatives})(?!{_LETTER})"))

    def named_in(self, text: str) -> bool:
        """Say whether a text names the account."""
        return self._pattern.search(text) is not None

    def replaced(self, text: str) -> str:
        """Return the text without the names."""
        return self._pattern.sub(lambda _: self.instead, text)

    def signed(self, actor: str) -> str:
        """Return who did something: a key of the account without its name, and everybody else as he is called."""
        own = f"{self.names[0]}/"
        return f"{self.instead}/{actor.removeprefix(own)}" if actor.startswith(own) else actor

    def id_alone(self) -> Words:
        """Return the same without what people have called the account, which may be any word."""
        return Words(self.names[:1], self.instead, self.labels)

    def unlabelled(self, value: object) -> object:
        """Return the name of another thing; one that says that it is the account's is replaced."""
        if isinstance(value, list):
            return [self.unlabelled(each) for each in value]
        return self.instead if value in self.labels else value

    def without(self, value: object, *, others: frozenset[str] = frozenset()) -> object:
        """Return a value of a column, or of JSON, without the names, in keys too. `others` are more fields of other things."""
        if isinstance(value, str):
            return self.replaced(value)
        if isinstance(value, list):
            return [self.without(each, others=others) for each in value]
        if isinstance(value, dict):
            return {
                self.without(key): self.unlabelled(each)
                if isinstance(each, str | list) and (key in _OTHERS or key in others)
                else self.without(each, others=others)
                for key, each in value.items()
            }
        return value

    def named_within(self, value: object) -> bool:
        """Say whether a value of a column, or of JSON, has one of the names, whatever it stands for there."""
        if isinstance(value, str):
            return self.named_in(value)
        if isinstance(value, list | tuple):
            return any(map(self.named_within, value))
        if isinstance(value, dict):
            return any(self.named_within(each) for pair in value.items() for each in pair)
        return False

    def with_labels(self, more: Iterable[str]) -> Words:
        """Return the same with more labels."""
        return Words(self.names, self.instead, tuple(dict.fromkeys((*self.labels, *more))))
