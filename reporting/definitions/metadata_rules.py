"""OpenSLO's rules for what every object has: version, kind, name, labels, annotations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reporting.definitions.openslo import API_VERSION

if TYPE_CHECKING:
    from reporting.definitions.findings import Path
    from reporting.definitions.openslo import Metadata, OpenSLO
    from reporting.definitions.reporter import Reporter

_LONGEST_DISPLAY_NAME = 63
_KEY = re.compile(r"[a-zA-Z0-9]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*")
_LONGEST_PREFIX = 253


def check_object(written: OpenSLO, report: Reporter) -> None:
    """Check what is outside of `spec`."""
    if report.required(written.api_version, ("apiVersion",)) and written.api_version != API_VERSION:
        report.error(("apiVersion",), "equal_to", f"is {API_VERSION}, not {written.api_version!r}")
    check_metadata(written.metadata, ("metadata",), report)


def check_metadata(metadata: Metadata, path: Path, report: Reporter) -> None:
    if report.required(metadata.name, (*path, "name")):
        report.name(metadata.name, (*path, "name"))
    if len(metadata.display_name) > _LONGEST_DISPLAY_NAME:
        report.error((*path, "displayName"), "string_max_length", f"has more than {_LONGEST_DISPLAY_NAME} characters")
    for key, value in metadata.labels.items():
        _check_label(key, value, (*path, "labels", key), report)
    for key, value in metadata.annotations.items():
        _check_annotation(key, value, (*path, "annotations", key), report)


def _check_label(key: str, value: object, path: Path, report: Reporter) -> None:
    if not _KEY.fullmatch(key):
        report.error(path, "string_match_regexp", "is no key: up to 63 letters, numbers and -_. between them")
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        report.error(path, "type", "is a text or a list of texts")


def _check_annotation(key: str, value: object, path: Path, report: Reporter) -> None:
    prefix, slash, name = key.rpartition("/")
    prefix_fits = not slash or (len(prefix) <= _LONGEST_PREFIX and _PREFIX.fullmatch(prefix))
    if not (prefix_fits and _KEY.fullmatch(name)):
        report.error(path, "string_match_regexp", "is no key: a name, or a domain, a slash and a name")
    if not isinstance(value, str):
        report.error(path, "type", "is a text; quote it")
