"""Parts of documents that programs write, between two marks that people leave where they want them."""

from __future__ import annotations

import re


def written_between(document: str, name: str, text: str) -> str:
    """Return the document with *text* between `<!-- name -->` and `<!-- /name -->`; raises `ValueError` for one without them."""
    opening, closing = marks(name)
    block = re.compile(f"({opening}\n).*?({closing})", re.DOTALL)
    if not block.search(document):
        raise ValueError(f"It has no place for it: {opening} … {closing}.")
    return block.sub(lambda match: f"{match[1]}{text}{match[2]}", document)


def marks(name: str) -> tuple[str, str]:
    """Return the mark before and the one behind."""
    return f"<!-- {name} -->", f"<!-- /{name} -->"
