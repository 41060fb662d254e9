"""OpenSLO objects as the JSON that is stored, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from reporting.definitions import openslo
from reporting.definitions.build import build
from reporting.definitions.references import Library
from reporting.definitions.reporter import Reporter

if TYPE_CHECKING:
    from reporting.definitions.definition import Definition
    from reporting.definitions.openslo import OpenSLO

_encode = msgspec.json.Encoder(decimal_format="number").encode


class UnreadableDocumentError(ValueError):
    """A stored object that this release does not understand."""


def document_of(written: OpenSLO) -> str:
    """Return an object as text."""
    return _encode(written).decode()


def object_of(kind: str, document: str) -> OpenSLO:
    """Return the object of a text; raises `UnreadableDocumentError`."""
    try:
        return msgspec.json.decode(document, type=openslo.KINDS[kind])
    except (KeyError, msgspec.DecodeError) as error:
        raise UnreadableDocumentError(f"a stored {kind} is not understood: {error}") from error


def definition_of(document: str) -> Definition:
    """Return the definition of a stored SLO, which has no references; raises `UnreadableDocumentError`."""
    slo = object_of("SLO", document)
    report = Reporter()
    try:
        definition = build(slo, Library(), report) if isinstance(slo, openslo.SLO) else None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # What is built was checked by the rules of the release that stored it, which need not be ours.
        raise UnreadableDocumentError(f"a stored SLO cannot be built: {error!r}") from error
    if definition is None:
        raise UnreadableDocumentError("; ".join(map(str, report.findings)) or "a stored SLO cannot be built")
    return definition
