"""Archived reports that name an account among others: they are made again of their own figures, without the name.

A report keeps its figures, `model`, out of which all its files are rendered. What cannot be rendered now is removed, and
the report says so; so is everything of one whose figures this release does not understand.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from reporting.erasure import report_files_store as store
from reporting.reports.archive import MODEL, Format, Paper, decode_model, file_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from app.core.database import Database
    from app.core.erasure.erasure import Erasure
    from app.core.erasure.words import Words
    from reporting.erasure.report_files_store import Revision
    from reporting.reports.archive import Render
    from reporting.reports.model import Report

REMOVED = "Files were removed because an account was erased that they named."
_FIRST = ("", 0)
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


class EraseFromReports:
    """Thread-safe; raises `DependencyError`, and begins anew when it is called again."""

    def __init__(self, database: Database, render: Render) -> None:
        self._database = database
        self._render = render

    def __call__(self, erasure: Erasure, now: datetime) -> Iterator[dict[str, int]]:  # noqa: ARG002 - See `Own`.
        """Yield how many files were made again or removed, one revision of a report after the other."""
        words = erasure.names
        for revision in self._revisions():
            yield {"report_files": self._clean(revision, words)}

    def _revisions(self) -> Iterator[Revision]:
        revision: Revision | None = _FIRST
        while revision is not None:
            with self._database.begin() as connection:
                revision = store.next_revision(connection, revision)
            if revision is not None:
                yield revision

    def _clean(self, revision: Revision, words: Words) -> int:
        with self._database.begin() as connection:
            model = store.file(connection, revision, MODEL)
            there = store.names(connection, revision)
        if model is None:
            return 0
        cleaned = _without(model, words)
        if cleaned == model:
            return self._remove_stale(revision, there, words)
        try:
            files = self._rendered(decode_model(cleaned), there - {MODEL})
        except msgspec.MsgspecError:
            files = {}
        else:
            files[MODEL] = cleaned
        with self._database.begin() as connection:
            replaced = store.replace_files(connection, revision, files)
            removed = store.delete_files(connection, revision, there - files.keys())
            if removed:
                store.mark(connection, revision, REMOVED)
        return replaced + removed

    def _remove_stale(self, revision: Revision, there: set[str], words: Words) -> int:
        """Remove what was rendered, of figures with the name, while these were cleaned: it is plain in the JSON beside it."""
        with self._database.begin() as connection:
            written = store.file(connection, revision, file_name(Format.JSON, Paper.A4))
            if written is None or not words.named_in(written.decode(errors="replace")):
                return 0
            store.mark(connection, revision, REMOVED)
            return store.delete_files(connection, revision, there - {MODEL})

    def _rendered(self, report: Report, names: set[str]) -> dict[str, bytes]:
        """Return what of these files can be rendered."""
        files: dict[str, bytes] = {}
        for paper in Paper:
            kinds = [kind for kind in Format if file_name(kind, paper) in names - files.keys()]
            if kinds:
                rendered = self._render(report, kinds, paper).files
                files |= {file_name(kind, paper): content for kind, content in rendered.items()}
        return files


def _without(model: bytes, words: Words) -> bytes:
    """Return figures without the names; every number in them stays as it is."""
    written = _decode(model)
    cleaned = words.without(written)
    return model if cleaned == written else _encode(cleaned)
