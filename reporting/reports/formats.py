"""What a report can be made into."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    HTML = "html"
    PDF = "pdf"
    CSV = "csv"  # a zip of one file for each table
    JSON = "json"

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPES[self]

    @property
    def suffix(self) -> str:
        """Return how a file of it is named after its dot."""
        return "csv.zip" if self is Format.CSV else self.value


_MEDIA_TYPES = {
    Format.HTML: "text/html; charset=utf-8",
    Format.PDF: "application/pdf",
    Format.CSV: "application/zip",
    Format.JSON: "application/json",
}


class Paper(StrEnum):
    """Sizes of pages of a PDF."""

    A4 = "A4"
    LETTER = "letter"
